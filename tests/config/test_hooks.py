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
