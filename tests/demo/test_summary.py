"""The end of a demo: what it prints and how it exits."""

from collections.abc import Sequence

from rich.console import Console

from rulesd.demo.counters import Counters
from rulesd.demo.pages import Page
from rulesd.demo.score import Trace, judge
from rulesd.demo.summary import Summary
from tests.demo.samples import BY_ID, page, trace

GLASS = BY_ID["break-glass"]


def ended(
    traces: Sequence[Trace], pages: Sequence[Page], *, interrupted: bool = False, sent: int = 3
) -> Summary:
    counters = Counters(outcomes={"matched": 2, "duplicate": 1}, sources={"http": 1, "mqtt": 2})
    return Summary(
        score=judge(traces, pages),
        counters=counters,
        sent=sent,
        first_page_s=4.2,
        interrupted=interrupted,
    )


def words(summary: Summary) -> str:
    console = Console(width=100, record=True, file=None, quiet=False)
    with console.capture() as said:
        console.print(summary.as_text())
    return said.get()


def test_all_paged_once() -> None:
    summary = ended([trace()], [page()])
    assert summary.good
    assert "1 planted incidents, 1 pages." in words(summary)
    assert "3 events (1 over http and 2 over mqtt): 1 duplicate, 2 matched; 0 lost." in words(
        summary
    )


def test_the_json_is_the_contract() -> None:
    said = ended([trace(), trace(GLASS, "e2", sent_at=1)], [page()]).as_json()
    assert said["events"] == 3
    contract = [{k: row[k] for k in ("id", "rule", "detected", "pages")} for row in said["planted"]]
    assert contract == [
        {
            "id": "out-of-scope-tool",
            "rule": "tool.scope_violation",
            "detected": True,
            "pages": 1,
        },
        {"id": "break-glass", "rule": "tool.break_glass", "detected": False, "pages": 0},
    ]


def test_a_missed_incident_fails() -> None:
    summary = ended([trace(), trace(GLASS, "e2", sent_at=1)], [page()])
    assert not summary.good
    assert "missed: break-glass" in words(summary)


def test_a_withheld_incident_fails_unless_somebody_ended_the_demo() -> None:
    traces = [trace(), trace(GLASS, "e2", sent_at=0)]
    assert not ended(traces, [page()]).good
    assert ended(traces, [page()], interrupted=True).good


def test_a_second_page_fails_also_when_interrupted() -> None:
    twice = [page("s1"), page("s2")]
    assert not ended([trace()], twice).good
    assert not ended([trace()], twice, interrupted=True).good
    assert "paged more than once: out-of-scope-tool" in words(ended([trace()], twice))


def test_what_was_confirmed_and_not_counted_is_lost() -> None:
    assert ended([trace()], [page()], sent=5).missing == 2
    assert ended([trace()], [page()], sent=2).missing == 0


def test_unexpected_pages_are_told() -> None:
    summary = ended([trace()], [page(), page("s2", rule="tool.loop", text="e7")])
    assert summary.as_json()["unexpected_pages"] == 1
    assert "1 unexpected pages: tool.loop" in words(summary)


def test_it_fits_a_small_terminal() -> None:
    traces = [trace(p, f"x{n}") for n, p in enumerate(BY_ID.values())]
    console = Console(width=80)
    with console.capture() as said:
        console.print(ended(traces, []).as_text())
    assert "tool.destructive_without_approval" in said.get()
    assert "…" not in said.get()
