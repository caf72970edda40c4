from tests.cli.conftest import Run, Stub
from tests.cli.test_story import STORY


def test_for_all_rules_or_for_one(run: Run, daemon: Stub) -> None:
    daemon.answers["GET", "/v1/events/e1/why-not"] = (200, STORY)
    daemon.answers["GET", "/v1/events/e1/why-not?rule=tool.x"] = (200, STORY)
    assert run("why-not", "e1", "--server", daemon.url).code == 0
    assert run("why-not", "e1", "--rule", "tool.x", "--server", daemon.url).code == 0
    assert run("why-not", "e9", "--server", daemon.url).code == 1
