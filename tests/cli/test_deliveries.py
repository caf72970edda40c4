from typing import Any

from tests.cli.conftest import Run, Stub


def delivery(**changes: Any) -> dict[str, Any]:
    values = {
        "id": "msg_1", "state": "failed", "receiver": "oncall", "channel": "slack[0]", "status": "firing", "severity": "critical",
        "title": "A [tool]", "attempts_made": 2, "created_at": "2026-01-05T09:00:00.000Z", "detail": "authentication_failed: HTTP 401",
    }  # fmt: skip
    return {**values, **changes}


def test_a_table_for_people_and_json_for_programs(run: Run, daemon: Stub) -> None:
    daemon.answers["GET", "/v1/deliveries?state=failed&receiver=oncall&limit=5"] = (
        200,
        {"deliveries": [delivery()]},
    )
    given = ["--state", "failed", "--receiver", "oncall", "--limit", "5", "--server", daemon.url]
    said = run("deliveries", "list", *given)
    assert said.code == 0
    for word in ("msg_1", "failed", "oncall", "[tool]", "HTTP"):
        assert word in said.out
    assert run("deliveries", "list", *given, "--format", "json").json == [delivery()]
    daemon.answers["GET", "/v1/deliveries?alert=a1&limit=100"] = (200, {"deliveries": []})
    said = run("deliveries", "list", "--alert", "a1", "--server", daemon.url)
    assert said.out == "no deliveries\n"


def test_one_is_sent_again_by_its_id(run: Run, daemon: Stub) -> None:
    answer = {"id": "msg_1", "result": "done"}
    daemon.answers["POST", "/v1/deliveries/msg_1/redeliver"] = (200, answer)
    said = run("deliveries", "redeliver", "msg_1", "--server", daemon.url)
    assert (said.code, said.out.startswith("msg_1: sent again")) == (0, True)
    said = run("deliveries", "redeliver", "msg_9", "--server", daemon.url)
    assert said.code == 1
    assert "There is none" in said.out


def test_all_of_a_receiver_oldest_first(run: Run, daemon: Stub) -> None:
    path = "/v1/deliveries?state=failed&receiver=oncall&limit=1000"
    found = [delivery(id="msg_2"), delivery(), delivery()]
    daemon.answers["GET", path] = (200, {"deliveries": found})
    for name in ("msg_1", "msg_2"):
        daemon.answers["POST", f"/v1/deliveries/{name}/redeliver"] = (
            200,
            {"id": name, "result": "already"},
        )
    given = ["--all", "--receiver", "oncall", "--server", daemon.url, "--format", "json"]
    said = run("deliveries", "redeliver", *given)
    assert [one["id"] for one in said.json] == ["msg_1", "msg_2"]
    daemon.answers["GET", path] = (200, {"deliveries": []})
    assert run("deliveries", "redeliver", *given[:-2]).out == "nothing was given up\n"


def test_an_id_or_all_and_not_both(run: Run, daemon: Stub) -> None:
    assert run("deliveries", "redeliver").code == 2
    assert run("deliveries", "redeliver", "x", "--all").code == 2
    assert run("deliveries", "list", "--server", "http://127.0.0.1:1").code == 3
