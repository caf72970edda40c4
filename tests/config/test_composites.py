"""Rules about alerts that cannot work are refused where they stand."""

from tests.config.testing import loaded, rule


def said(**rules: tuple[str, str]) -> list[str]:
    """Errors of composites: id without area -> (parameters, on)."""
    files = {
        f"rules/tool/{name}.yaml": rule(
            id=f"tool.{name}", detect=f"{{composite: {given}}}", on=on, tests="[]"
        )
        for name, (given, on) in rules.items()
    }
    return [f"{p} {p.hint}" for p in loaded(files).errors]


ALERTS = "[alert.state]"


def test_a_composite_of_rules_that_exist_is_fine() -> None:
    chain = {
        "one": ("{any: [tool.base], within: 5m}", ALERTS),
        "two": ("{all: [tool.one, tool.base], not: [rulesd.nothing], within: 5m}", ALERTS),
    }
    (wrong,) = said(**chain)
    assert 'there is no rule "rulesd.nothing"' in wrong
    chain["two"] = ("{all: [tool.one, tool.base], within: 5m}", ALERTS)
    assert said(**chain) == []


def test_it_names_what_is_wrong() -> None:
    (wrong,) = said(one=("{all: [tool.bas], within: 5m}", ALERTS))
    assert "there is no rule" in wrong
    assert "tool.base" in wrong
    (wrong,) = said(one=("{not: [tool.base], within: 5m}", ALERTS))
    assert 'needs "all" or "any"' in wrong
    (wrong,) = said(one=("{all: [tool.base], within: 5m}", "[tool.call]"))
    assert "reads alerts, not other events" in wrong


def test_no_rule_waits_for_itself() -> None:
    (wrong,) = said(one=("{all: [tool.base, tool.one], within: 5m}", ALERTS))
    assert "waits for itself: tool.one -> tool.one" in wrong
    found = said(
        one=("{all: [tool.two], within: 5m}", ALERTS),
        two=("{any: [tool.three, tool.base], within: 5m}", ALERTS),
        three=("{all: [tool.base], not: [tool.one], within: 5m}", ALERTS),
        four=("{all: [tool.one, tool.base], within: 5m}", ALERTS),
    )
    assert len(found) == 3
    assert "tool.one -> tool.two -> tool.three -> tool.one" in " ".join(found)


def test_what_keeps_one_from_ever_firing_is_told() -> None:
    def of(given: str, by: str = "", **base: str) -> list[str]:
        found = loaded(
            {
                "rules/tool/one.yaml": rule(
                    id="tool.one", detect=f"{{composite: {given}}}", on="", by=by, tests="[]"
                ),
                "rules/tool/mistake.yaml": rule(**base),
            }
        )
        return [f"{p.severity} {p} {p.hint}" for p in found.problems if "no_tests" not in str(p)]

    assert of("{all: [tool.mistake], within: 5m}") == []  # without on: alert.state is meant
    (told,) = of("{all: [tool.mistake], not: [tool.mistake], within: 5m}")
    assert 'under "all" and under "not"' in told
    (told,) = of("{any: [tool.mistake], within: 5m}", maturity="deprecated")
    assert "does not run" in told
    assert told.startswith("warning")
    (told,) = of("{any: [tool.mistake], within: 5m}", by="[tool]")
    assert 'has the label "tool", so this rule never fires' in told
    assert "they have none" in told
    assert of("{any: [tool.mistake], within: 5m}", by="tool", context="[tool]") == []
    assert of("{any: [tool.mistake], within: 5m}", by="[source]") == []
