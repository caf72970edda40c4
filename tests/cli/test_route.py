from tests.cli.conftest import Run, Stub
from tests.cli.test_story import STORY


def test_labels_become_the_question(run: Run, daemon: Stub) -> None:
    daemon.answers["GET", "/v1/route?alertname=X&team=a+b"] = (200, STORY)
    assert run("route", "alertname=X", "team=a b", "--server", daemon.url).code == 0
    assert run("route", "alertname", "--server", daemon.url).code == 2
    assert run("route", "=x", "--server", daemon.url).code == 2
