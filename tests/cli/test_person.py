from tests.cli.conftest import Run, Stub


def test_taking_giving_back_and_resolving(run: Run, daemon: Stub) -> None:
    for verb in ("ack", "unack", "resolve"):
        daemon.answers["POST", f"/v1/alerts/a1/{verb}"] = (200, {"result": "done"})
    assert (
        run("ack", "a1", "--note", "looking", "--by", "jane", "--server", daemon.url).out
        == "a1: done\n"
    )
    assert run("ack", "a1", "--undo", "--server", daemon.url).code == 0
    assert run("resolve", "a1", "--server", daemon.url, "--format", "json").json == [
        {"alert": "a1", "result": "done"}
    ]
    assert [(a[1], a[2]) for a in daemon.asked] == [
        ("/v1/alerts/a1/ack", {"note": "looking", "by": "jane"}), ("/v1/alerts/a1/unack", {}), ("/v1/alerts/a1/resolve", {})
    ]  # fmt: skip


def test_one_that_cannot_be_done_does_not_stop_the_others(run: Run, daemon: Stub) -> None:
    daemon.answers["POST", "/v1/alerts/a2/ack"] = (200, {"result": "already"})
    said = run("ack", "nope", "a2", "--server", daemon.url)
    assert said.code == 1
    assert "nope: the daemon refused (404): There is none." in said.out
    assert "a2: already" in said.out
