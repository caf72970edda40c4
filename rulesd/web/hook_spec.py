"""A hook of ``hooks.yaml``, ready to be called: its keys, and its mapping compiled.

Law: secrets are opened and mappings compiled once for a plan, not once for a call; a hook whose secret cannot be had
refuses every call and says so in the log.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rulesd.core.plan import Plan
from rulesd.logic import value_of
from rulesd.model.errors import RulesdError
from rulesd.model.event import Json
from rulesd.web.hook_signature import Digest, key_of
from rulesd.web.settings import WebSettings

log = logging.getLogger("rulesd.web")

Value = Callable[[Mapping[str, object]], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """One inbound webhook."""

    name: str
    signed: bool
    "Standard Webhooks signatures; else the secret itself as bearer token, or ``digest``."

    keys: tuple[bytes, ...]
    may: tuple[str, ...]
    mapping: Mapping[str, Value]
    "How each field is computed from the body; empty: the body has them under their names."

    digest: Digest | None = None
    "Set for a sender that signs the bare body with HMAC-SHA256 in a header of its own."


class Hooks:
    """The hooks of the plan in force."""

    def __init__(self, settings: WebSettings) -> None:
        """``settings`` knows how to open secrets."""
        self._settings = settings
        self._of: Mapping[str, Mapping[str, Json]] | None = None
        self._ready: dict[str, Hook] = {}

    def find(self, plan: Plan, name: str) -> Hook | None:
        """The hook of this name, ``None`` when there is none.

        Raises:
            RulesdError: when its secret cannot be had.
        """
        if plan.hooks is not self._of:
            self._of, self._ready = plan.hooks, {}
        fields = plan.hooks.get(name)
        if fields is None:
            return None
        if name not in self._ready:
            self._ready[name] = self._open(name, fields)
        return self._ready[name]

    def _open(self, name: str, fields: Mapping[str, Json]) -> Hook:
        signed = fields.get("mode", "standard_webhooks") == "standard_webhooks"
        references = fields.get("secret")
        keys = []
        for reference in references if isinstance(references, list) else [references]:
            text = self._settings.resolve_secret(reference).strip()
            try:
                keys.append(key_of(text) if signed else _plain(text))
            except ValueError as error:
                raise RulesdError(f"{error}. Correct the secret of the hook") from None
        may, mapping, signature = fields.get("may"), fields.get("mapping"), fields.get("signature")
        digest = None
        if isinstance(signature, dict):
            digest = Digest(**{k: str(v) for k, v in signature.items()})
        return Hook(
            name=name,
            signed=signed,
            keys=tuple(keys),
            may=tuple(str(one) for one in may) if isinstance(may, list) else (),
            mapping={field: _value(logic) for field, logic in mapping.items()}
            if isinstance(mapping, dict)
            else {},
            digest=digest,
        )


def _value(logic: Json) -> Value:
    if isinstance(logic, dict):
        return value_of(logic)
    return lambda _body: logic


def _plain(secret: str) -> bytes:
    if len(secret) < 16:
        raise ValueError("the secret is shorter than 16 characters")
    return secret.encode()
