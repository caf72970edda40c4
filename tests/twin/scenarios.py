"""The scenarios: each one thing that Alertmanager does and rulesd must do the same way."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.twin.story import (
    Fire,
    Hush,
    Push,
    Scenario,
    Unhush,
    again,
    fire,
    over,
)

PAGER_TOO = {"main": True, "pager": True}
CRITICAL_STOPS_WARNING: Mapping[str, Any] = {
    "source_matchers": ['severity="critical"'],
    "target_matchers": ['severity="warning"'],
    "equal": ["cluster"],
}
BY_CLUSTER = {"group_by": ["cluster"]}


def plain() -> list[Scenario]:
    """Groups, timers and the dedup table."""
    return [
        Scenario("one-alert", [fire(0, "A"), over(6, "A")]),
        Scenario("repeats", [fire(0, "A")]),
        Scenario("repeats-with-news", [fire(0, "A x=1"), fire(4, "A x=2"), fire(12, "A x=3")]),
        Scenario("news-in-a-group", [fire(0, "A x=1"), fire(2, "A x=2"), fire(6, "A x=3")]),
        Scenario("some-resolved", [fire(0, "A x=1", "A x=2", "A x=3"), over(4, "A x=1"), over(8, "A x=2")]),
        Scenario("resolved-before-the-first-flush", [fire(0, "A", ends=0.4), fire(6, "A")], {"group_wait": "3s"}),
        Scenario("came-and-went-between-flushes", [fire(0, "A x=1"), fire(2, "A x=2", ends=2.4), over(10, "A x=1")]),
        Scenario("ends-by-timeout", [fire(0, "A", ends=None), again(4, 0, "A", ends=None)]),
        Scenario("ends-as-told", [fire(0, "A x=1", ends=6), fire(0, "A x=2", ends=10), fire(0, "A x=3")]),
        Scenario("later-end-wins", [fire(0, "A", ends=6), again(2, 0, "A", ends=10), again(4, 0, "A", ends=8)]),
        Scenario("explicit-end-against-timeout", [fire(0, "A", ends=None), again(2, 0, "A", ends=4)]),
        Scenario("back-after-its-end", [fire(0, "A"), over(4, "A"), fire(10, "A")]),
        Scenario("back-before-anybody-was-told", [fire(0, "A"), fire(2, "A", ends=2.3), again(2.4, 2.4, "A")]),
        Scenario("earlier-start-is-kept", [fire(0, "A"), again(2, 1, "A x=2"), again(4, 1, "A")]),
        Scenario("earlier-start-of-what-is-over", [fire(0, "A"), over(4, "A"), again(8, 2, "A")]),
        Scenario("resolved-again-and-again", [fire(0, "A x=1", "A x=2"), over(4, "A x=1"), over(6, "A x=1"), fire(8, "A x=3"), over(10, "A x=1")]),
        Scenario("resolved-out-of-nowhere", [over(0, "A", starts=-0.5), fire(4, "A x=2"), fire(12, "A")]),
        Scenario("old-at-arrival", [again(0, -60, "A"), again(3, -60, "A x=2"), over(9, "A")]),
        Scenario("old-in-a-young-group", [fire(0, "A x=1"), again(2, -60, "A x=2")]),
        Scenario("silent-about-the-end", [fire(0, "A x=1", "A x=2"), over(4, "A x=1"), over(8, "A x=2"), fire(14, "A x=1")], receivers={"main": False}),
        Scenario("silent-about-the-end-repeats", [fire(0, "A x=1", "A x=2"), over(4, "A x=1")], receivers={"main": False}),
        Scenario("odd-labels", [Push(0, (Fire({"alertname": "A", "ü": "", "b": 'q"\\\n', "name": "ñandú 😀"}, 0, 1000),)), over(4, "A", b='q"\\\n', name="ñandú 😀")], {"group_by": ["..."]}),
        Scenario("no-alertname", [Push(0, (Fire({"job": "x"}, 0, 1000), Fire({"job": "y"}, 0, 8)))]),
        Scenario("many-at-once", [fire(0, *(f"A n={n}" for n in range(40))), over(6, *(f"A n={n}" for n in range(20)))]),
    ]  # fmt: skip


def routes() -> list[Scenario]:
    """The tree."""
    deep = {
        "routes": [
            {"matchers": ["severity=critical"], "receiver": "pager", "continue": True},
            {"matchers": ["severity=~critical|warning"], "receiver": "main", "group_by": ["cluster"]},
            {"matchers": ['team!=""'], "receiver": "team", "routes": [{"matchers": ["team=x"], "receiver": "pager"}]},
        ]
    }  # fmt: skip
    three = {"main": True, "pager": True, "team": False}
    both = [
        {"matchers": ["a=b"], "receiver": "pager", "continue": True},
        {"matchers": ["a=b"], "receiver": "main", "group_interval": "4s", "repeat_interval": "5s"},
    ]
    return [
        Scenario("all-labels", [fire(0, "A x=1", "A x=2"), fire(4, "A x=1 y=2"), over(8, "A x=1")], {"group_by": ["..."]}),
        Scenario("no-labels", [fire(0, "A x=1"), fire(0.2, "B x=2"), over(6, "A x=1"), over(10, "B x=2")], {"group_by": []}),
        Scenario("inherited-timers", [fire(0, "A team=x"), fire(4, "A team=x n=2")], {"group_interval": "4s", "routes": [{"matchers": ["team=x"], "group_by": ["team"]}]}),
        Scenario("continue", [fire(0, "A a=b"), over(8, "A a=b")], {"routes": both}, receivers=PAGER_TOO),
        Scenario("depth-first", [fire(0, "A severity=critical cluster=x", "B severity=warning cluster=x", "C severity=info team=x", "D team=y", "E"), over(6, "A severity=critical cluster=x")], deep, receivers=three),
        Scenario("negative-matchers", [fire(0, "A env=prod", "A env=dev", "A")], {"routes": [{"matchers": ['env!~"dev|test"', "env!="], "receiver": "pager"}]}, receivers=PAGER_TOO),
    ]  # fmt: skip


def inhibition() -> list[Scenario]:
    """Sources and targets."""
    stop = [CRITICAL_STOPS_WARNING]
    same = [{"source_matchers": ["a=1"], "target_matchers": ["a=1"], "equal": ["cluster"]}]
    unequal = [{**CRITICAL_STOPS_WARNING, "equal": ["cluster", "missing"]}]
    regex = [
        {"source_matchers": ["alertname=~Down|Gone"], "target_matchers": ["alertname!~Down|Gone"]}
    ]
    return [
        Scenario("held-back-then-free", [fire(0, "D severity=critical cluster=x", "W severity=warning cluster=x", "V severity=warning cluster=y"), over(6, "D severity=critical cluster=x")], inhibit=stop),
        Scenario("source-comes-later", [fire(0, "W severity=warning cluster=x"), fire(4, "D severity=critical cluster=x"), fire(8, "W severity=warning cluster=x n=2"), over(14, "D severity=critical cluster=x")], inhibit=stop),
        Scenario("source-times-out", [fire(0, "D severity=critical cluster=x", ends=None), fire(0.1, "W severity=warning cluster=x")], inhibit=stop),
        Scenario("missing-is-empty", [fire(0, "D severity=critical", "W severity=warning", "V severity=warning cluster=x")], inhibit=unequal),
        Scenario("both-sides", [fire(0, "A a=1 cluster=x", "B a=1 cluster=x")], inhibit=same),
        Scenario("held-back-while-it-ends", [fire(0, "W severity=warning cluster=x"), fire(4, "D severity=critical cluster=x"), over(6, "W severity=warning cluster=x"), over(8, "D severity=critical cluster=x"), fire(10, "W severity=warning cluster=x")], inhibit=stop),
        Scenario("one-group-for-both", [fire(0, "D severity=critical cluster=x", "W severity=warning cluster=x"), over(6, "D severity=critical cluster=x"), over(10, "W severity=warning cluster=x")], BY_CLUSTER, inhibit=stop),
        Scenario("patterns", [fire(0, "Down cluster=x", "A cluster=x", "B"), over(8, "Down cluster=x")], inhibit=regex),
        Scenario("two-sources", [fire(0, "D severity=critical cluster=x", "E severity=critical cluster=x", "W severity=warning cluster=x"), over(4, "D severity=critical cluster=x"), over(8, "E severity=critical cluster=x")], inhibit=stop),
    ]  # fmt: skip


def silences() -> list[Scenario]:
    """Silences, made, ended and run out."""
    x1 = (("x", "1"),)
    return [
        Scenario("silenced-from-the-start", [Hush(0, "s", x1, 1000), fire(0.1, "A x=1", "A x=2")]),
        Scenario("silence-runs-out", [Hush(0, "s", x1, 6), fire(0.1, "A x=1")]),
        Scenario("silence-is-ended", [Hush(0, "s", x1, 1000), fire(0.1, "A x=1"), Unhush(6, "s")]),
        Scenario("silenced-after-the-page", [fire(0, "A x=1"), Hush(4, "s", x1, 14)]),
        Scenario("ends-while-silenced", [fire(0, "A x=1"), Hush(2, "s", x1, 8), over(4, "A x=1"), fire(10, "A x=1")]),
        Scenario("one-of-two-silenced", [fire(0, "A x=1", "A x=2"), Hush(4, "s", x1, 10), over(6, "A x=2")]),
        Scenario("silenced-by-pattern", [Hush(0, "s", (("x", "1|2"),), 8, regex=True), fire(0.1, "A x=1", "A x=2", "A x=12")]),
        Scenario("two-silences", [Hush(0, "s", x1, 6), Hush(0.1, "t", x1, 10), fire(0.2, "A x=1")]),
    ]  # fmt: skip


def sweeps() -> list[Scenario]:
    """What happens around the sweep, 30 s after the start of the dispatcher."""
    return [
        Scenario("back-before-the-sweep", [fire(20, "A"), over(22, "A"), fire(26, "A")], until=39),
        Scenario("back-after-the-sweep", [fire(20, "A"), over(22, "A"), fire(30, "A")], {"group_interval": "6s"}, until=39),
        Scenario("empty-but-ticking", [fire(20, "A", ends=20.4), fire(22, "A n=2")], {"group_interval": "6s"}, until=39),
        Scenario("believed-beyond-the-sweep", [fire(24, "A x=1"), Hush(26, "s", (("x", "1"),), 28), over(26.1, "A x=1"), fire(30, "A x=1")], until=39),
        Scenario("old-after-the-sweep", [fire(20, "A"), over(22, "A"), again(32, 20.3, "A n=2")], until=39),
    ]  # fmt: skip


def intervals(now: datetime) -> list[Scenario]:
    """Intervals around this very minute, day, month and year."""
    day = now.strftime("%A").lower()
    other = (now + timedelta(days=3)).strftime("%A").lower()
    soon = now + timedelta(minutes=1)
    clock = f"{soon:%H:%M}" if soon.day == now.day else "24:00"
    until_next = [{"times": [{"start_time": "00:00", "end_time": clock}]}]
    all_day = [{"times": [{"start_time": "00:00", "end_time": "24:00"}]}]
    berlin = [{"location": "Asia/Tokyo", "days_of_month": [str((now + timedelta(hours=9)).day)]}]
    past = (now - timedelta(days=70)).strftime("%B").lower()
    steps = [fire(0, "A"), over(8, "A"), fire(14, "A")]
    child = {
        "mute_time_intervals": ["x"],
        "routes": [{"matchers": ["team=x"], "receiver": "pager"}],
    }
    team = [fire(0, "A", "A team=x")]

    def mute(name: str, parts: Sequence[Mapping[str, Any]], **more: Any) -> Scenario:
        return Scenario(name, steps, {"mute_time_intervals": ["x"]}, intervals={"x": parts}, **more)

    def active(name: str, parts: Sequence[Mapping[str, Any]], **more: Any) -> Scenario:
        return Scenario(
            name, steps, {"active_time_intervals": ["x"]}, intervals={"x": parts}, **more
        )

    return [
        mute("muted-all-day", all_day),
        mute("muted-another-day", [{"weekdays": [other]}]),
        mute("muted-another-month", [{"months": [past]}]),
        mute("muted-in-tokyo", berlin),
        mute("muted-until-the-next-minute", until_next, minute_matters=True),
        active("active-today", [{"weekdays": [day], "years": [str(now.year)]}]),
        active("active-another-day", [{"weekdays": [other]}]),
        active("active-until-the-next-minute", until_next, minute_matters=True),
        Scenario("muted-wins-over-active", steps, {"mute_time_intervals": ["x"], "active_time_intervals": ["x"]}, intervals={"x": [{}]}),
        Scenario("mute-is-not-inherited", team, child, intervals={"x": all_day}, receivers=PAGER_TOO),
    ]  # fmt: skip


def by_hand(now: datetime | None = None) -> list[Scenario]:
    """Every scenario written by hand."""
    now = now or datetime.now(UTC)
    return [*plain(), *routes(), *inhibition(), *silences(), *sweeps(), *intervals(now)]
