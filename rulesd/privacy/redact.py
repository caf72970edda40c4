"""Decide what of an event may be kept, and make the rest unreadable, in place and before anything is stored.

Law: no text leaves here that is neither declared nor label-like, and never a bare hash: what is replaced becomes
``hmac:`` and a keyed digest, which still groups and counts but cannot be guessed back without the key.

The rules, the same for every event type:

* ``data.content`` goes, whatever it holds.
* A declared label or id keeps its text up to 256 characters without control characters or line breaks; anything else
  there is masked and counted as ``label_unbounded``. An envelope attribute likewise; ``type`` and ``tenant`` are names
  and must look like a label.
* Any other text (an undeclared field, text in a measure, an unknown attribute, anything nested, and every key) stays
  only where it looks like a label: at most 128 ASCII letters, digits and ``._:/@+-``. ASCII, because a sentence in a
  script without spaces is letters only. Otherwise it is masked and counted as ``undeclared_string``.

A mask looks like a label itself, so redacting twice changes nothing.
"""

import re
from collections import Counter
from collections.abc import Mapping
from hashlib import blake2b
from struct import Struct
from typing import Any

from rulesd.model.errors import EventError
from rulesd.model.reasons import ErrorCode
from rulesd.privacy.fields import ATTRIBUTES, SIGNED, FieldClass, fields_of

TEXT_LIMIT = 256
"Longest text a declared label, id or attribute may hold."

DEPTH_LIMIT = 64
"Deepest nesting of an event, the event itself counted as 1."

VALUES_LIMIT = 10_000
"Most values an event may hold outside ``data.content``."

EXACT = 2.0**63
"From here up a float may stand for an integer that JSON text held exactly and the parser did not."

label_like = re.compile(r"[A-Za-z0-9._:/@+\-]{0,128}").fullmatch
"Whether a text could be a label: short, and without anything a sentence needs."

_int64 = Struct(">q").unpack
_control = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]").search
_NAMES = frozenset({"type", "tenant", "tenant_claimed"})
_DECLARED = (FieldClass.LABEL, FieldClass.ID)


class Redactor:
    """Masks and digests under one secret key. Safe to share between threads: it keeps no state."""

    __slots__ = ("_body", "_text")

    def __init__(self, key: bytes) -> None:
        """Take a secret of at least 16 bytes (32 from ``privacy.keys``)."""
        if len(key) < 16:
            raise ValueError("the redaction key is too short. Give at least 16 random bytes")
        key = key[:64]
        self._text = blake2b(key=key, digest_size=16, person=b"rulesd.text")
        self._body = blake2b(key=key, digest_size=8, person=b"rulesd.body")

    def mask(self, text: str) -> str:
        """What stands for a text that may not be kept: ``hmac:`` and 128 bits in hex."""
        digest = self._text.copy()
        digest.update(text.encode("utf-8", "surrogatepass"))
        return f"hmac:{digest.hexdigest()}"

    def digest(self, data: bytes) -> int:
        """A signed 64-bit keyed digest: tells two bodies apart, tells nothing about either."""
        digest = self._body.copy()
        digest.update(data)
        value: int = _int64(digest.digest())[0]
        return value

    def name(self, text: str) -> str:
        """A text that must look like a label, or its mask."""
        return text if label_like(text) else self.mask(text)

    def bounded(self, text: str) -> str:
        """A declared text within its bounds, or its mask."""
        return text if len(text) <= TEXT_LIMIT and not _control(text) else self.mask(text)

    def redact(self, doc: dict[str, Any], event_type: str, notices: Counter[str]) -> bool:
        """Redact a decoded event in place; ``True`` when a number in it may have lost precision.

        Raises:
            EventError: it is nested too deeply or holds too many values.
        """
        walk = _Walk(self, notices)
        for attribute, value in list(doc.items()):
            if attribute == "data":
                continue
            if attribute not in ATTRIBUTES:
                del doc[attribute]
                doc[self.name(attribute)] = walk.undeclared(value, 2)
            elif type(value) is str and ATTRIBUTES[attribute] != "number":
                kept = self.name(value) if attribute in _NAMES else self.bounded(value)
                if kept is not value:
                    doc[attribute] = kept
                    notices["label_unbounded"] += 1
            else:
                doc[attribute] = walk.undeclared(value, 2)
        data = doc.get("data")
        if type(data) is dict:
            walk.data(data, fields_of(event_type))
        return walk.suspicious


class _Walk:
    """One pass over one event: what is left of the limits, and what was noticed."""

    __slots__ = ("_left", "_notices", "_redactor", "suspicious")

    def __init__(self, redactor: Redactor, notices: Counter[str]) -> None:
        self._redactor = redactor
        self._notices = notices
        self._left = VALUES_LIMIT
        self.suspicious = False

    def data(self, data: dict[str, Any], fields: Mapping[str, FieldClass]) -> None:
        """Apply the field classes to ``data``; the order of its fields stays."""
        measure_depth(data.pop("content", None), 3)
        kept: dict[str, Any] = {}
        for field, value in data.items():
            kind = fields.get(field)
            if kind in _DECLARED:
                kept[field] = self._declared(value)
            else:
                name = field if kind is not None else self._name(field)
                if kind is FieldClass.MEASURE:
                    self._measure(field, value)
                kept[name] = self.undeclared(value, 3)
        data.clear()
        data.update(kept)

    def _measure(self, field: str, value: Any) -> None:
        """Notice a measure that no rule can count with."""
        if value is not None and type(value) is not int and type(value) is not float:
            self._notices["measure_not_number"] += 1
        elif value is not None and value < 0 and field not in SIGNED:
            self._notices["measure_negative"] += 1

    def _declared(self, value: Any) -> Any:
        """A label or id: bounded texts, alone or in a list; anything deeper is undeclared."""
        if type(value) is str:
            kept = self._redactor.bounded(value)
            if kept is not value:
                self._notices["label_unbounded"] += 1
            return kept
        if type(value) is list:
            self._enter(len(value), 3)
            return [self._declared(v) if type(v) is str else self.undeclared(v, 4) for v in value]
        return self.undeclared(value, 3)

    def undeclared(self, value: Any, depth: int) -> Any:
        """Any value that no table declares; ``depth`` is the level a container here would be on."""
        if type(value) is str:
            return self._name(value)
        if type(value) is float:
            # True for what is not a number, too.
            if not -EXACT < value < EXACT:
                self.suspicious = True
            return value
        if type(value) is list:
            self._enter(len(value), depth)
            return [self.undeclared(v, depth + 1) for v in value]
        if type(value) is dict:
            self._enter(len(value), depth)
            return {self._name(k): self.undeclared(v, depth + 1) for k, v in value.items()}
        if value is None or type(value) is int or type(value) is bool:
            return value
        raise EventError(ErrorCode.DATA, "the event holds something that JSON cannot", "/data")

    def _name(self, text: str) -> str:
        kept = self._redactor.name(text)
        if kept is not text:
            self._notices["undeclared_string"] += 1
        return kept

    def _enter(self, values: int, depth: int) -> None:
        """Go into a container, within the limits."""
        if depth > DEPTH_LIMIT:
            raise too_deep()
        self._left -= values
        if self._left < 0:
            raise EventError(
                ErrorCode.SIZE,
                f"the event holds more than {VALUES_LIMIT} values. Send sums and counts,"
                " or split it into several events",
                "/data",
            )


def too_deep() -> EventError:
    """The fault of an event nested beyond the limit."""
    return EventError(
        ErrorCode.DEPTH,
        f"the event is nested more than {DEPTH_LIMIT} levels deep. Send flat fields in data",
    )


def measure_depth(value: Any, depth: int) -> None:
    """Check the depth of a value that is not kept; ``depth`` is the level a container here is on.

    Raises:
        EventError: it is nested too deeply.
    """
    if type(value) is not list and type(value) is not dict:
        return
    if depth > DEPTH_LIMIT:
        raise too_deep()
    for inner in value.values() if type(value) is dict else value:
        if type(inner) is list or type(inner) is dict:
            measure_depth(inner, depth + 1)


def flat(value: Any) -> bool:
    """Whether a value holds no containers in containers: the usual form of ``data.content``."""
    if type(value) is dict:
        value = value.values()
    elif type(value) is not list:
        return True
    return all(type(inner) is not dict and type(inner) is not list for inner in value)
