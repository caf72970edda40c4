from tests.config.testing import loaded


def test_a_hook_as_validated() -> None:
    text = "hooks:\n  tickets: {secret: {env: H}, may: [acknowledge, resolve], mapping: {alert: {var: issue.key}, by: jira}}\n"
    result = loaded({"notifiers/hooks.yaml": text})
    assert result.plan is not None, [str(p) for p in result.errors]
    assert result.plan.hooks["tickets"] == {
        "secret": [{"env": "H"}],
        "mode": "standard_webhooks",
        "may": ["acknowledge", "resolve"],
        "mapping": {"alert": {"var": "issue.key"}, "by": "jira"},
        "description": "",
    }


def test_a_hook_needs_a_secret_and_something_it_may_do() -> None:
    result = loaded(
        {
            "notifiers/hooks.yaml": "hooks:\n  a: {may: [acknowledge]}\n  b: {secret: {env: H}, may: []}\n"
        }
    )
    assert [(p.line, p.code) for p in result.errors] == [(2, "missing_field"), (3, "out_of_range")]


def test_a_sender_that_signs_the_body_says_where_its_signature_is() -> None:
    text = "hooks:\n  gh: {secret: {env: H}, mode: hmac, may: [rollout], signature: {prefix: 'sha256='}}\n"
    plan = loaded({"notifiers/hooks.yaml": text}).plan
    assert plan is not None
    assert plan.hooks["gh"]["signature"] == {
        "header": "X-Hub-Signature-256",
        "prefix": "sha256=",
        "encoding": "hex",
    }
    for fields in ("mode: hmac, may: [rollout]", "may: [rollout], signature: {}"):
        result = loaded(
            {"notifiers/hooks.yaml": f"hooks:\n  gh: {{secret: {{env: H}}, {fields}}}\n"}
        )
        assert [p.code for p in result.errors] == ["exclusive_fields"]


def test_names_that_nobody_can_call_and_names_people_take_for_one() -> None:
    row = "{secret: {env: H}, may: [acknowledge]}"
    names = ["ci", "CI", "c/i", "..", "x?", "deploy", "déploy", "-", "_", "slack integration"]
    text = "hooks:\n" + "".join(f"  '{n}': {row}\n" for n in names)
    found = loaded({"notifiers/hooks.yaml": text}).problems
    assert [(p.line, p.column, p.code, p.severity) for p in found] == [
        (3, 3, "same_hook", "warning"),
        (4, 3, "invalid_key", "error"),
        (5, 3, "invalid_key", "error"),
        (6, 3, "invalid_key", "error"),
        (
            11,
            3,
            "invalid_key",
            "error",
        ),  # the daemon's own doors remember their calls under such names
    ]
    assert '"CI" is the name of "ci" (line 2)' in found[0].problem
    twice = f"hooks:\n  ci: {row}\n  ci: {row}\n"
    (problem,) = loaded({"notifiers/hooks.yaml": twice}).problems
    assert (problem.line, problem.column, problem.code) == (3, 3, "duplicate_key")
