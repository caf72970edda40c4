"""The demo's folder is the shipped configuration with its channels at the stand-ins, and passes every check."""

import stat
from pathlib import Path

from ruamel.yaml import YAML

from rulesd.config import load
from rulesd.config.settings_load import load_settings
from rulesd.demo.broker import TOPIC_FILTER
from rulesd.demo.folder import (
    GROUP_WAIT,
    Doors,
    Secrets,
    bundled,
    environment,
    hurried,
    pointed,
    prepare,
    settings,
)

DOORS = Doors(
    slack_api="http://127.0.0.1:9/slack/api/",
    pagerduty="http://127.0.0.1:9/pagerduty",
    tickets="http://127.0.0.1:9/webhook/tickets",
)


def test_everything_loads_without_a_complaint(tmp_path: Path) -> None:
    prepare(tmp_path, DOORS, Secrets.fresh())
    loaded = load(tmp_path / "rules", tmp_path / "notifiers")
    assert loaded.plan is not None
    assert loaded.problems == ()
    urls = [
        str(channel.settings.get("api_url") or channel.settings.get("url"))
        for receiver in loaded.plan.receivers.values()
        for channel in receiver.channels
    ]
    assert urls
    assert all(url.startswith("http://127.0.0.1:9/") for url in urls)


def test_rules_and_owners_are_the_shipped_ones(tmp_path: Path) -> None:
    prepare(tmp_path, DOORS, Secrets.fresh())
    for name in ("notifiers/owners.yaml", "rules/tool/scope_violation.yaml"):
        shipped = bundled(name.split("/")[0]).parent / name
        assert (tmp_path / name).read_bytes() == shipped.read_bytes()


def test_credentials_are_for_the_owner_alone(tmp_path: Path) -> None:
    prepare(tmp_path, DOORS, Secrets.fresh())
    files = list((tmp_path / "credentials").iterdir())
    assert {f.name for f in files} == {"slack_token", "pagerduty_key", "tickets_webhook_secret"}
    assert {stat.S_IMODE(f.stat().st_mode) for f in files} == {0o600}


def test_lists_of_channels_are_pointed_too() -> None:
    text = "receivers:\n  a:\n    slack: [{channel: x}, {channel: y}]\n  tickets: {}\n"
    found = YAML(typ="safe").load(pointed(text, DOORS))["receivers"]
    assert [c["api_url"] for c in found["a"]["slack"]] == [DOORS.slack_api] * 2
    assert found["tickets"]["webhook"]["url"] == DOORS.tickets


def test_only_the_group_wait_of_the_routes_changes() -> None:
    shipped = (bundled("notifiers") / "routing.yaml").read_text("utf-8")
    before, after = (YAML(typ="safe").load(t) for t in (shipped, hurried(shipped)))
    assert after["route"].pop("group_wait") == GROUP_WAIT
    assert before["route"].pop("group_wait") != GROUP_WAIT
    assert before == after


def test_the_settings_load(tmp_path: Path) -> None:
    file = tmp_path / "rulesd.yaml"
    file.write_text(settings(tmp_path, port=4242, broker="mqtt://127.0.0.1:1883"))
    found = load_settings(file, environ={}, flags={}).settings
    assert found is not None
    assert (found.port, found.external_url) == (4242, "http://127.0.0.1:4242")
    assert found.sources.mqtt[0].topics == (TOPIC_FILTER,)


def test_nothing_of_the_users_own_daemon_leaks_in(tmp_path: Path) -> None:
    mine = {
        "PATH": "/bin",
        "RULESD_LISTEN": "0.0.0.0:1",
        "RULESD_MQTT": "mqtt://x",
        "NOTIFY_SOCKET": "/x",
    }
    made = Secrets.fresh()
    found = environment(mine, tmp_path, made)
    assert {n for n in found if n.startswith("RULESD_")} == {"RULESD_ADMIN_TOKEN"}
    assert found["RULESD_ADMIN_TOKEN"] == made.admin_token
    assert "NOTIFY_SOCKET" not in found
    assert found["PATH"] == "/bin"


def test_secrets_are_never_the_same() -> None:
    assert Secrets.fresh() != Secrets.fresh()
