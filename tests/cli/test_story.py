"""A story in a terminal: the commands that tell one share it."""

from tests.cli.conftest import Run, Stub

STORY = {
    "title": "tool.x is firing; pager told.",
    "steps": [
        {"part": "event", "said": "event e1", "at": "2026-01-05T09:00:00.000Z"},
        {"part": "rule", "said": "it matches", "more": ["yes: all of", "  no: [b] is 1", "could not"]},
        {"part": "rule", "said": "another"},
        {"part": "later", "said": "of a later version"},
    ],
    "facts": {},
}  # fmt: skip


def test_parts_are_headed_once_and_nothing_is_taken_for_markup(run: Run, daemon: Stub) -> None:
    daemon.answers["GET", "/v1/alerts/a1/why"] = (200, STORY)
    said = run("why", "a1", "--server", daemon.url)
    assert said.code == 0
    assert said.out.count("Rule\n") == 1
    for words in ("tool.x is firing", "no: [b] is 1", "of a later version", "2026-01-05T09:00"):
        assert words in said.out
    assert run("why", "a1", "--server", daemon.url, "--format", "json").json == STORY


def test_a_long_title_is_one_line_in_a_pipe(run: Run, daemon: Stub) -> None:
    title = "tool.x for " + "a long list of labels " * 8 + "is firing."
    daemon.answers["GET", "/v1/alerts/a1/why"] = (200, {**STORY, "title": title})
    assert run("why", "a1", "--server", daemon.url).out.splitlines()[0] == title
