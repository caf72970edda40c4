from tests.cli.conftest import Run, Stub

GOOD = {
    "receiver": "safety",
    "channel": "slack[0]",
    "outcome": "delivered",
    "reason": "ok",
    "detail": "",
    "seconds": 0.12,
}


def test_every_attempt_is_reported(run: Run, daemon: Stub) -> None:
    daemon.answers["POST", "/v1/test-page"] = (200, {"attempts": [GOOD]})
    said = run("test-page", "safety", "--severity", "critical", "--server", daemon.url)
    assert said.code == 0
    assert "slack[0]" in said.out
    assert daemon.asked[0][2] == {"owner": "safety", "severity": "critical"}


def test_a_channel_that_refuses_or_no_channel_is_a_failure(run: Run, daemon: Stub) -> None:
    daemon.answers["POST", "/v1/test-page"] = (
        200,
        {"attempts": [GOOD, {**GOOD, "outcome": "failed"}]},
    )
    assert run("test-page", "safety", "--server", daemon.url, "--format", "json").code == 1
    daemon.answers["POST", "/v1/test-page"] = (200, {"attempts": []})
    said = run("test-page", "safety", "--server", daemon.url)
    assert said.code == 1
    assert "nobody would be told" in said.out
