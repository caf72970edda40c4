from tests.cli.conftest import Run, Stub
from tests.cli.test_story import STORY


def test_it_asks_about_one_alert_and_says_when_there_is_none(run: Run, daemon: Stub) -> None:
    daemon.answers["GET", "/v1/alerts/a%2F1/why"] = (200, STORY)
    assert run("why", "a/1", "--server", daemon.url).code == 0
    said = run("why", "a9", "--server", daemon.url)
    assert (said.code, "There is none." in said.err) == (1, True)
    assert run("why").code == 2
