"""*Contain* under a page in Slack, through the real daemon: a tool is locked as the person who clicked, and everybody can see it."""

from pathlib import Path

import orjson

from tests.integration.daemon import NEVER, Daemon, event, until
from tests.integration.test_channels import (
    SECRETS,
    clicked,
    notifiers,
    people,
    stand_ins,
)

SWITCHES = """\
switches:
  lock_tool:
    key: "tool.{tool}.enabled"
    safe: false
    scope: [tenant]
    until: resolved
    may_set: [people]
"""


def test_a_click_on_contain_locks_the_tool_until_the_alert_resolves(tmp_path: Path) -> None:
    with stand_ins() as fakes:
        files = {**notifiers(people(fakes)), "switches.yaml": SWITCHES}
        rules = {"test/never.yaml": NEVER + "actions: [lock_tool]\n"}
        with Daemon(tmp_path, notifiers=files, rules=rules, environ=SECRETS) as daemon:

            def enabled() -> object:
                body = orjson.dumps({"context": {"tenant": "acme"}})
                path = "/ofrep/v1/evaluate/flags/tool.shell.enabled"
                headers = {"Content-Type": "application/json"}
                return daemon.request("POST", path, body, headers).json()["value"]

            daemon.accept([event("e1", tool="shell", scope="out")])
            until(lambda: fakes.messages, what="the page")
            (refused,) = daemon.get("/v1/switches/history").json()["settings"]
            assert refused["ended_why"] == "may_set does not list who asked"
            assert enabled() is True
            pages = [
                m
                for m in fakes.messages.values()
                if "rulesd_contain" in orjson.dumps(m.blocks).decode()
            ]
            assert len(pages) == 1
            (alert,) = daemon.get("/v1/alerts?state=firing").json()["alerts"]
            assert clicked(daemon, "rulesd_contain", alert["alert"], "kim") == 200
            assert enabled() is False
            (one,) = daemon.get("/v1/switches").json()["settings"]
            assert (one["by"], one["alert"], one["scope"]) == (
                "kim (UKIM, Slack)",
                alert["alert"],
                {"tenant": "acme"},
            )
            assert clicked(daemon, "rulesd_contain", alert["alert"], "lee") == 200
            assert len(daemon.get("/v1/switches").json()["settings"]) == 1
            until(
                lambda: any("lock_tool set" in str(c) for c in fakes.changes), what="a change event"
            )
            path = f"/v1/alerts/{alert['alert']}/resolve"
            headers = {"Content-Type": "application/json"}
            assert daemon.request("POST", path, b"{}", headers).status == 200
            assert enabled() is True
