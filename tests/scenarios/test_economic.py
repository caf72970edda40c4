"""Spend that runs away: a word, a throttle, a hard cap; and what runs in a loop is cut, and nothing beside it."""

from rulesd.model.event import Json
from tests.scenarios.story import Story


def flag(s: Story, key: str, **context: str) -> Json:
    """The value a service reads."""
    found = s.engine.switches.table.verdict(key, context)
    assert found is not None
    return found.value


def spend(s: Story, until: str, dollars: float, every: float = 60.0, **data: object) -> None:
    """One tenant spends at this pace until then."""
    hours, minutes = (int(part) for part in until.split(":"))
    while (s.now // 60_000) % 1_440 < hours * 60 + minutes:
        s.event("usage.cost", cost_usd=dollars, meter="usd", model="m2", **data).forward(every)


def test_a_tenant_is_warned_throttled_and_stopped_in_that_order() -> None:
    s = Story("04:00")
    spend(s, "08:00", 0.9)  # 54 dollars an hour
    warned = s.expect_page("usage.soft_warning", to="tickets", severity="low", tenant="acme")
    assert flag(s, "cap.calls_per_minute", tenant="acme") == 600
    spend(s, "09:00", 6.0)  # 360 an hour: on course to pass the cap
    throttled = s.expect_page("usage.spend_projection", to="tickets", tenant="acme")
    assert warned.at < throttled.at
    assert flag(s, "cap.calls_per_minute", tenant="acme") == 20
    assert flag(s, "cap.calls_per_minute", tenant="globex") == 600
    assert flag(s, "cap.usd_per_hour", tenant="acme") == 1000.0
    spend(s, "11:00", 60.0)  # whoever does not obey the throttle meets the hard cap
    stopped = s.expect_page("usage.hard_cap", to="finops", severity="high", tenant="acme")
    assert throttled.at < stopped.at
    assert flag(s, "cap.usd_per_hour", tenant="acme") == 0.0
    assert flag(s, "cap.usd_per_hour", tenant="globex") == 1000.0
    s.at("23:30")
    assert flag(s, "cap.usd_per_hour", tenant="acme") == 1000.0  # it has ended by itself
    rules = [x.rule for x in s.engine.switches.ended]
    assert rules[-1] == "usage.hard_cap"


def test_one_dear_session_is_cut_and_the_tenants_others_are_not() -> None:
    s = Story("09:00")
    spend(s, "09:30", 5.0, session_id="s1")
    s.expect_page("usage.session_spend", to="daytime", tenant="acme", session_id="s1")
    assert flag(s, "session.enabled", tenant="acme", session_id="s1") is False
    assert flag(s, "session.enabled", tenant="acme", session_id="s2") is True
    s.at("11:30")
    assert flag(s, "session.enabled", tenant="acme", session_id="s1") is True


def test_a_looped_call_cuts_its_chain_and_no_other() -> None:
    s = Story("09:00")
    call = {"tool": "sql_read", "args_hash": "h1", "outcome": "ok", "phase": "result"}
    s.event("tool.call", times=5, every=10, chain="c1", **call)
    s.event("tool.call", times=3, every=10, chain="c2", **call)
    assert flag(s, "chain.enabled", tenant="acme", correlationid="c1") is True
    s.event("tool.call", chain="c1", **call).forward(60)
    page = s.expect_page("usage.looped_call", to="tickets", tenant="acme", correlationid="c1")
    assert page.alert.context["tool"] == "sql_read"
    assert flag(s, "chain.enabled", tenant="acme", correlationid="c1") is False
    assert flag(s, "chain.enabled", tenant="acme", correlationid="c2") is True
    assert flag(s, "chain.enabled", tenant="globex", correlationid="c1") is True


def test_a_key_that_floods_is_throttled_alone_and_freed_when_it_stops() -> None:
    s = Story("09:00")
    s.event(
        "usage.cost", times=50, every=20, api_key_ref="k1", output_tokens=50_000, meter="tokens"
    )
    s.expect_page("usage.key_tokens", to="daytime", tenant="acme", api_key_ref="k1")
    assert flag(s, "cap.calls_per_minute", tenant="acme", api_key_ref="k1") == 20
    assert flag(s, "cap.calls_per_minute", tenant="acme", api_key_ref="k2") == 600
    s.at("12:00")
    assert flag(s, "cap.calls_per_minute", tenant="acme", api_key_ref="k1") == 600
