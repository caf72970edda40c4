import asyncio
from dataclasses import replace

from rulesd.core.plan import Plan
from rulesd.model.event import Document
from rulesd.runners.shadow import ShadowCheck, differences
from tests.core.plans import event, plan, rule


def checked(naive: tuple[list[str], list[str]], every: int = 1) -> ShadowCheck:
    base = plan(rule("a.one"), rule("a.two", on=("other",)))

    def plain(document: Document) -> tuple[list[str], list[str]]:
        return naive

    parts: Plan = replace(base, naive=plain)

    async def run() -> ShadowCheck:
        shadow = ShadowCheck(every)
        shadow.offer(parts, [event(1)])
        if shadow._running is not None:
            await shadow._running
        return shadow

    return asyncio.run(run())


def test_agreement_is_silent() -> None:
    shadow = checked((["a.one"], []))
    assert shadow.checked == 1
    assert shadow.probe() == {}


def test_a_missed_match_an_extra_one_and_a_hidden_error_are_all_found() -> None:
    assert checked(([], [])).probe() == {"a.one": "disagrees"}
    assert checked((["a.one", "a.two"], [])).probe() == {"a.two": "disagrees"}
    assert checked(([], ["a.one"])).probe() == {"a.one": "disagrees"}


def test_only_one_event_in_so_many_is_checked_and_none_when_it_is_off() -> None:
    assert checked(([], []), every=2).checked == 0
    assert checked(([], []), every=0).checked == 0


def test_a_check_that_is_still_running_is_not_joined_by_another() -> None:
    async def run() -> int:
        shadow = ShadowCheck(1)
        shadow._running = asyncio.get_running_loop().create_future()
        shadow.offer(replace(plan(rule()), naive=lambda d: ([], [])), [event(1)])
        return shadow.checked

    assert asyncio.run(run()) == 0
    assert differences((["b"], ["a"]), (["b"], [])) == ["a"]


def test_a_sample_of_recent_events_is_kept_for_reloads_to_learn_from() -> None:
    check = ShadowCheck(0)
    check.offer(plan(rule("a.one")), [])
    for n in range(1_200):
        check.offer(plan(rule("a.one")), [event(f"a{n}"), event(f"b{n}")])
    assert len(check.recent) == 1_000
    assert check.recent[-1]["id"] == "b1199"
