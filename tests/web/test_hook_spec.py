"""Hooks of the plan in force."""

from types import SimpleNamespace
from typing import Any

import pytest

from rulesd.model.errors import RulesdError
from rulesd.web.hook_spec import Hooks
from rulesd.web.settings import WebSettings


def plan(**hooks: Any) -> Any:
    return SimpleNamespace(hooks=hooks)


def test_secrets_are_opened_once_for_a_plan() -> None:
    opened = []

    def resolve(reference: Any) -> str:
        opened.append(reference)
        return "whsec_" + "A" * 32

    hooks = Hooks(WebSettings(version="1", resolve_secret=resolve))
    first = plan(a={"secret": [{"env": "A"}], "may": ["acknowledge"]})
    one = hooks.find(first, "a")
    assert one is hooks.find(first, "a")
    assert len(opened) == 1
    assert one is not None
    assert (one.signed, one.may, dict(one.mapping)) == (True, ("acknowledge",), {})
    assert hooks.find(first, "b") is None
    # A reload opens them again: that is how a new secret is taken up.
    hooks.find(plan(a={"secret": {"env": "A"}, "may": ["resolve"]}), "a")
    assert len(opened) == 2


@pytest.mark.parametrize(("mode", "secret"), [("standard_webhooks", "whsec_x"), ("token", "tiny")])
def test_a_secret_that_is_too_weak_is_refused(mode: str, secret: str) -> None:
    hooks = Hooks(WebSettings(version="1", resolve_secret=lambda _: secret))
    with pytest.raises(RulesdError) as caught:
        hooks.find(plan(a={"secret": {"env": "A"}, "mode": mode, "may": []}), "a")
    assert secret not in str(caught.value).replace("whsec_ and", "")
