"""``rulesd oncall``."""

from typing import Any

import pytest

from tests.cli.conftest import Run, Stub


def duty(**changes: Any) -> dict[str, Any]:
    values = {
        "schedule": "main", "zone": "Europe/Berlin", "people": ["anna"], "until": "2026-01-05T16:00:00.000Z",
        "owners": ["safety"], "override": None,
    }  # fmt: skip
    return {**values, **changes}


def row(**changes: Any) -> dict[str, Any]:
    values = {
        "id": "0123456789ab", "schedule": "main", "people": ["ben", "chris"], "from": "2026-01-05T08:00:00.000Z",
        "until": "2026-01-05T16:00:00.000Z", "by": "jo (ops)", "reason": "anna is [ill]", "made_at": "2026-01-05T07:00:00.000Z",
        "state": "active",
    }  # fmt: skip
    return {**values, **changes}


def oncall(*rows: dict[str, Any]) -> tuple[int, Any]:
    return 200, {"at": "2026-01-05T08:00:00.000Z", "schedules": list(rows)}


def test_who(run: Run, daemon: Stub) -> None:
    gap = duty(schedule="spare", zone="UTC", people=[], until=None, owners=[])
    daemon.answers["GET", "/v1/oncall"] = oncall(duty(override="0123456789ab"), gap)
    said = run("oncall", "who", "--server", daemon.url)
    assert said.code == 0
    first, second = said.out.splitlines()[1:3]
    for words in (
        "main",
        "anna",
        "Mon 2026-01-05 17:00 Europe/Berlin",
        "safety",
        "override 01234567",
    ):
        assert words in first
    for words in ("spare", "nobody", "further notice", "-", "owners.yaml"):
        assert words in second
    path = "/v1/oncall?schedule=main&at=2026-01-05T03%3A00"
    daemon.answers["GET", path] = oncall(duty())
    said = run(
        "oncall", "who", "main", "--at", "2026-01-05T03:00", "--server", daemon.url, "--format", "json"
    )  # fmt: skip
    assert said.json["schedules"] == [duty()]
    daemon.answers["GET", "/v1/oncall"] = oncall()
    assert "no schedules are declared" in run("oncall", "who", "--server", daemon.url).out


def test_override(run: Run, daemon: Stub) -> None:
    path = "/v1/oncall/overrides"
    daemon.answers["POST", path] = (200, {"result": "done", "override": row()})
    daemon.answers["GET", "/v1/oncall?schedule=main"] = oncall(duty())
    said = run(
        "oncall", "override", "main", "--person", "ben", "-p", "chris", "--from", "2026-01-05T09:00",
        "--until", "2026-01-05T17:00", "--reason", "anna is ill", "--by", "jo", "--server", daemon.url,
    )  # fmt: skip
    assert said.code == 0
    assert said.out == (
        "ben, chris are on call for main from Mon 2026-01-05 09:00 Europe/Berlin until "
        "Mon 2026-01-05 17:00 Europe/Berlin (override 01234567)\n"
    )
    assert daemon.asked[0][2] == {
        "schedule": "main",
        "person": ["ben", "chris"],
        "reason": "anna is ill",
        "from": "2026-01-05T09:00",
        "until": "2026-01-05T17:00",
        "by": "jo",
    }
    daemon.answers["POST", path] = (200, {"result": "already", "override": row()})
    brief = ("oncall", "override", "main", "-p", "ben", "-r", "x", "--for", "8h")
    said = run(*brief, "--server", daemon.url)
    assert said.out.startswith("it is so already: ben, chris")
    assert daemon.asked[-2][2]["for"] == "8h"
    assert run(*brief, "--server", daemon.url, "--format", "json").json["result"] == "already"
    daemon.answers["POST", path] = (404, {"error": "unknown_person", "message": "There is nobody."})
    said = run(*brief, "--server", daemon.url)
    assert (said.code, "There is nobody." in said.err) == (1, True)


@pytest.mark.parametrize(
    "words",
    [
        ("override", "main", "-r", "x", "--for", "8h"),
        ("override", "main", "-p", "ben", "--for", "8h"),
        ("override", "main", "-p", "ben", "-r", "x"),
        ("override", "main", "-p", "ben", "-r", "x", "--for", "8h", "--until", "2026-01-05T17:00"),
        ("override", "main", "-p", "ben", "-r", "x", "--for", "soon"),
        ("remove",),
    ],
)
def test_wrong_usage_is_found_before_anybody_is_asked(
    words: tuple[str, ...], run: Run, daemon: Stub
) -> None:
    assert run("oncall", *words, "--server", daemon.url).code == 2
    assert daemon.asked == []


def test_list(run: Run, daemon: Stub) -> None:
    daemon.answers["GET", "/v1/oncall/overrides"] = (
        200,
        {"overrides": [row(), row(id="ff", schedule="gone", state="pending")]},
    )
    daemon.answers["GET", "/v1/oncall"] = oncall(duty())
    said = run("oncall", "list", "--server", daemon.url)
    first, second = said.out.splitlines()[1:3]
    for words in ("01234567", "active", "ben, chris", "Mon 2026-01-05 09:00", "jo (ops)", "[ill]"):
        assert words in first
    assert "08:00 UTC" in second
    said = run("oncall", "list", "--server", daemon.url, "--format", "json")
    assert len(said.json["overrides"]) == 2
    daemon.answers["GET", "/v1/oncall/overrides"] = (200, {"overrides": []})
    assert "owners.yaml decides" in run("oncall", "list", "--server", daemon.url).out


def test_remove(run: Run, daemon: Stub) -> None:
    daemon.answers["GET", "/v1/oncall/overrides"] = (200, {"overrides": [row(), row(id="0199")]})
    daemon.answers["DELETE", "/v1/oncall/overrides/0123456789ab?by=jo"] = (
        200,
        {"id": "0123456789ab", "result": "done"},
    )
    said = run("oncall", "remove", "0123", "--by", "jo", "--server", daemon.url)
    assert (said.code, "is gone: owners.yaml decides again" in said.out) == (0, True)
    daemon.answers["DELETE", "/v1/oncall/overrides/0123456789ab"] = daemon.answers[
        "DELETE", "/v1/oncall/overrides/0123456789ab?by=jo"
    ]
    done = run("oncall", "remove", "0123456789ab", "--server", daemon.url, "--format", "json")
    assert done.json["result"] == "done"
    said = run("oncall", "remove", "01", "--server", daemon.url)
    assert (said.code, "begins 2 overrides" in said.err) == (2, True)
    assert run("oncall", "remove", "zz", "--server", daemon.url).code == 1
