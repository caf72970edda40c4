from dataclasses import replace
from pathlib import Path

from rulesd.model.instant import HOUR, MINUTE
from rulesd.runners.backtest import Outcome, Page
from rulesd.runners.backtest_compare import body, compare
from tests.runners.recorded import outcome


def moved(out: Outcome, by: int) -> Outcome:
    pages = [
        Page(
            at=p.at + by,
            receiver=p.receiver,
            reason=p.reason,
            told=tuple(replace(t, at=t.at + by) for t in p.told),
        )
        for p in out.pages
    ]
    return replace(out, pages=pages)


def test_the_same_rules_make_no_difference(tmp_path: Path) -> None:
    out = outcome(tmp_path)
    assert compare(out, out).empty
    assert compare(out, moved(out, MINUTE - 1)).empty


def test_pages_that_come_and_go_and_whose(tmp_path: Path) -> None:
    out = outcome(tmp_path)
    none = replace(out, pages=[])
    more = compare(none, out)
    assert (len(more.added), len(more.removed), more.owners) == (3, 0, ("safety",))
    assert len(compare(out, none).removed) == 3
    assert more.by_owner() == (("safety", 3, 0, 0),)
    plain = body(more)
    assert (plain["pages_before"], plain["pages_after"]) == (0, 3)


def test_a_page_at_another_time_is_moved_and_beyond_an_hour_it_is_another(tmp_path: Path) -> None:
    out = outcome(tmp_path)
    near = compare(out, moved(out, 10 * MINUTE))
    assert [by for _, by in near.moved] == [10 * MINUTE] * 3
    assert not near.added
    far = compare(out, moved(out, HOUR + 1))
    assert (len(far.added), len(far.removed), len(far.moved)) == (3, 3, 0)
