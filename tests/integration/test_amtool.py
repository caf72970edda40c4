"""The real amtool 0.25 against the running daemon: every command people use, each with its outcome.

The same script runs against a real Alertmanager, so that what is expected here is a fact and not an opinion.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.daemon import NEVER, Daemon, Receiver, event, until
from tests.integration.peers_am import Alertmanager, Amtool

ROUTING = """\
global: {resolve_timeout: 3m}
route:
  receiver: pager
  group_by: [alertname]
  group_wait: 0s
  group_interval: 1s
  routes:
  - {receiver: db, matchers: ['team="db"'], continue: true}
  - {receiver: night, matchers: ['team=~"d.*"', 'severity!="low"'], routes: [{receiver: deep, matchers: [deep="yes"]}]}
inhibit_rules: [{source_matchers: [severity="critical"], target_matchers: [severity="low"], equal: [cluster]}]
receivers:
- {name: pager, webhook_configs: [{url: "URL/pager"}]}
- {name: db, webhook_configs: [{url: "URL/db"}]}
- {name: night, webhook_configs: [{url: "URL/night"}]}
- {name: deep, webhook_configs: [{url: "URL/deep"}]}
- {name: own, webhook_configs: [{url: "URL/own"}]}
"""
OWNERS = "owners: {safety: {contact: the safety team, receivers: {default: own}}}\n"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
UNKNOWN = "7d8e0000-0000-4000-8000-000000000000"


def daemon(folder: Path, url: str) -> Daemon:
    notifiers = {"routing.yaml": ROUTING.replace("URL", url), "owners.yaml": OWNERS}
    return Daemon(folder / "d", rules={"test/never.yaml": NEVER}, notifiers=notifiers)


@contextmanager
def ours(folder: Path, url: str) -> Iterator[str]:
    with daemon(folder, url) as made:
        yield f"http://127.0.0.1:{made.port}"


@contextmanager
def theirs(folder: Path, url: str) -> Iterator[str]:
    with Alertmanager(folder / "am", ROUTING.replace("URL", url)) as peer:
        yield peer.url


PEERS = {"rulesd": ours, "alertmanager": theirs}


@pytest.fixture(params=list(PEERS))
def amtool(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Amtool]:
    with (
        Receiver() as receiver,
        PEERS[request.param](tmp_path, f"http://127.0.0.1:{receiver.port}") as url,
    ):
        yield Amtool(tmp_path / "amtool", url)


def names(table: str) -> list[str]:
    """The first column, without the head."""
    return [line.split()[0] for line in table.splitlines()[1:]]


def listed(amtool: Amtool, *words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(amtool(*words, "-o", "json"))
    return found


def test_alerts(amtool: Amtool) -> None:
    assert amtool("alert", "query") == "Alertname  Starts At  Summary  State"
    amtool(
        "alert", "add", "alertname=Disk", "team=db", "cluster=c1", "severity=critical",
        "--annotation=summary=disk is full", "--generator-url=http://prometheus/graph",
    )  # fmt: skip
    amtool("alert", "add", "Slow", "team=web", "cluster=c1", "severity=low")
    amtool("alert", "add", "alertname=Ended", "--end=2020-01-01T00:00:00Z")
    amtool("alert", "add", "alertname=Bad", "--start=2030-01-01T00:00:00Z", code=1)
    amtool("alert", "add", "alertname=Bad", "1x=y", code=1)
    until(lambda: listed(amtool, "alert", "query", "Disk")[0]["receivers"], 30)

    assert names(amtool("alert", "query")) == ["Disk"]
    assert names(amtool("alert", "query", "-a", "-i")) == ["Disk", "Slow"]
    assert names(amtool("alert", "query", "-i", "Slow")) == ["Slow"]
    assert amtool("alert", "query", "-s") == "Alertname  Starts At  Summary  State"
    assert names(amtool("alert", "query", "team=db", "alertname=~D.*k")) == ["Disk"]
    assert names(amtool("alert", "query", "team!=db")) == []
    assert names(amtool("alert", "query", "nothing=")) == ["Disk"]
    assert names(amtool("alert", "query", "--receiver=d.")) == ["Disk"]
    assert names(amtool("alert", "query", "--receiver=d")) == []
    assert 'cluster="c1"' in amtool("alert", "query", "-o", "extended")
    assert names(amtool("alert", "query", "alertname=~[")) == []  # it asks for the name "~["

    (disk,) = listed(amtool, "alert", "query", "Disk")
    assert disk["annotations"] == {"summary": "disk is full"}
    assert disk["generatorURL"] == "http://prometheus/graph"
    assert disk["labels"] == {
        "alertname": "Disk",
        "team": "db",
        "cluster": "c1",
        "severity": "critical",
    }
    assert [one["name"] for one in disk["receivers"]] == ["db", "night"]
    assert disk["status"]["state"] == "active"
    (slow,) = listed(amtool, "alert", "query", "-i", "Slow")
    assert slow["status"]["state"] == "suppressed"
    assert slow["status"]["inhibitedBy"] == [disk["fingerprint"]]
    assert slow["endsAt"] > slow["startsAt"]
    amtool("alert", "add", "alertname=Disk", "team=db", "cluster=c1", "severity=critical", "--end=2020-01-01T00:00:00Z", "--start=2019-01-01T00:00:00Z")  # fmt: skip
    assert amtool.count >= 20


def test_silences(amtool: Amtool) -> None:
    amtool("alert", "add", "alertname=Disk", "team=db")
    amtool("alert", "add", "alertname=Net", "team=web")
    until(lambda: names(amtool("alert", "query")) == ["Disk", "Net"], 30)
    made = amtool(
        "silence", "add", "alertname=Disk", "team=~d.", "-d", "2h", "-c", "moving it", "-a", "jane"
    )
    assert UUID.fullmatch(made)
    amtool("silence", "add", "alertname=Disk", "-d", "2h", "-a", "jane", code=1)
    amtool("silence", "add", "alertname=~.*", "-d", "2h", "-c", "all", code=1)
    amtool("silence", "add", "alertname=x", "--start=2030-01-01T00:00:00Z", "--end=2029-01-01T00:00:00Z", "-c", "c", code=1)  # fmt: skip
    assert "end time can't be in the past" in amtool(
        "silence", "add", "alertname=x", "--start=2020-01-01T00:00:00Z", "--end=2021-01-01T00:00:00Z", "-c", "c", code=1
    )  # fmt: skip
    assert amtool("silence", "query", "-q") == made
    assert 'alertname="Disk" team=~"d."' in amtool("silence", "query")
    assert amtool("silence", "query", "-q", "alertname=Disk") == made
    assert amtool("silence", "query", "-q", "alertname=Net") == ""
    assert amtool("silence", "query", "-q", "--created-by=jane") == made
    assert amtool("silence", "query", "-q", "--created-by=joe") == ""
    assert amtool("silence", "query", "-q", "--within=3h") == made
    assert amtool("silence", "query", "-q", "--within=1h") == ""

    until(lambda: names(amtool("alert", "query")) == ["Net"], 30)
    (disk,) = listed(amtool, "alert", "query", "-s")
    assert (disk["status"]["state"], disk["status"]["silencedBy"]) == ("suppressed", [made])

    amtool("silence", "update", made, "-d", "3h", "-c", "takes longer")
    (now,) = listed(amtool, "silence", "query")
    assert (now["id"], now["comment"], now["createdBy"]) == (made, "takes longer", "jane")
    saved = amtool("silence", "query", "-o", "json")
    amtool("silence", "expire", made)
    until(lambda: names(amtool("alert", "query")) == ["Disk", "Net"], 30)
    assert amtool("silence", "query", "-q") == ""
    assert amtool("silence", "query", "-q", "--expired", "--within=1h") == made
    amtool("silence", "expire", made)
    assert "silence not found" in amtool("silence", "expire", UNKNOWN, code=1)
    assert "422" in amtool("silence", "expire", "nope", code=1)
    amtool("silence", "update", UNKNOWN, "-d", "3h", code=1)

    assert UUID.fullmatch(amtool("silence", "import", "--force", stdin=saved))
    (back,) = listed(amtool, "silence", "query")
    assert back["id"] != made
    assert back["matchers"] == now["matchers"]
    old = [{k: v for k, v in one.items() if k != "isEqual"} for one in back["matchers"]]
    older = json.dumps([{**back, "matchers": old, "comment": "from before 0.22"}])
    amtool("silence", "import", stdin=older)
    (again,) = listed(amtool, "silence", "query")
    assert (again["id"], again["comment"]) == (back["id"], "from before 0.22")
    assert [one["isEqual"] for one in again["matchers"]] == [True, True]
    assert amtool.count >= 30


def test_configuration(amtool: Amtool, tmp_path: Path) -> None:
    shown = amtool("config", "show")
    assert "resolve_timeout: 3m" in shown
    path = tmp_path / "served.yml"
    path.write_text(shown + "\n")
    assert "SUCCESS" in amtool("check-config", str(path))
    tree = amtool("config", "routes", "show")
    assert '{team="db"}  continue: true  receiver: db' in tree
    assert '{deep="yes"}  receiver: deep' in tree
    for labels, receivers in {
        "team=db": "db,night",
        "team=db severity=low": "db",
        "team=dx deep=yes": "deep",
        "team=web": "pager",
    }.items():
        assert amtool("config", "routes", "test", *labels.split()) == receivers
        amtool("config", "routes", "test", f"--verify.receivers={receivers}", *labels.split())
    amtool("config", "routes", "test", "--verify.receivers=pager", "team=db", code=1)
    assert amtool("cluster", "show").startswith("Cluster Status:  disabled")
    assert amtool.count >= 13


def test_own_alerts_and_where_they_go(tmp_path: Path) -> None:
    """What amtool says of owners' routes is what the daemon does."""
    with Receiver() as receiver, daemon(tmp_path, f"http://127.0.0.1:{receiver.port}") as made:
        amtool = Amtool(tmp_path / "amtool", f"http://127.0.0.1:{made.port}")
        made.accept([event("e1", tool="rm", scope="out")])
        (own,) = until(lambda: listed(amtool, "alert", "query", "test.never"), 30)
        labels = [f"{k}={v}" for k, v in own["labels"].items()]
        assert amtool("config", "routes", "test", *labels) == "own"
        assert [one["name"] for one in own["receivers"]] == ["own"]
        until(lambda: receiver.delivered("own"), 20, "the own page")

        for team, severity in (("db", "critical"), ("dx", "low"), ("web", "high")):
            words = [
                f"alertname=F-{team}",
                f"team={team}",
                f"severity={severity}",
                f"cluster={team}",
            ]
            amtool("alert", "add", *words)
            said = amtool("config", "routes", "test", *words).split(",")
            for name in said:
                until(lambda n=name, t=team: _paged(receiver, n, f"F-{t}"), 20, f"{team} at {name}")
            others = {"pager", "db", "night", "deep", "own"} - set(said)
            assert not any(_paged(receiver, name, f"F-{team}") for name in others)
        assert 'owner="safety"' in amtool("config", "routes", "show")


def _paged(receiver: Receiver, name: str, alertname: str) -> bool:
    return any(
        alert["labels"]["alertname"] == alertname
        for page in receiver.delivered(name)
        for alert in page.body["alerts"]
    )
