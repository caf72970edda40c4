"""What a plainly good event looks like, one form per event type, so that nearly every event is judged by a single C call.

Law: a form accepts only what ``privacy.redact`` would leave unchanged, apart from ``data.content``, which is judged
by the caller. A property test holds the two together.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast

from msgspec import Meta, Struct, convert, defstruct

from rulesd.privacy.fields import ATTRIBUTES, SIGNED, TYPES, FieldClass, fields_of
from rulesd.privacy.redact import EXACT, TEXT_LIMIT

_Text = Annotated[str, Meta(max_length=TEXT_LIMIT)]
_Filled = Annotated[str, Meta(min_length=1, max_length=TEXT_LIMIT)]
_Float = Annotated[float, Meta(gt=-EXACT, lt=EXACT)]
_Measure = int | _Float | None
_Amount = Annotated[int, Meta(ge=0)] | Annotated[float, Meta(ge=0, lt=EXACT)] | None
_Label = _Text | int | bool | _Float | None


class Plain(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """The attributes every plainly good event has; each event type's form adds ``data``."""

    id: _Filled
    source: _Filled
    type: _Filled
    time: _Text
    specversion: Literal["1.0"]
    tenant: _Text = ""
    sampledrate: Annotated[int, Meta(ge=1)] = 1


def _form(event_type: str) -> type[Plain]:
    """The form for one event type; the empty name stands for every unknown one."""
    data = defstruct(
        "Data",
        [
            (
                field,
                _Amount if kind is FieldClass.MEASURE and field not in SIGNED else _JUDGED[kind],
                None,
            )
            for field, kind in fields_of(event_type).items()
            if field.isidentifier()
        ],
        forbid_unknown_fields=True,
        gc=False,
    )
    attributes = [
        (name, _Text, "")
        for name, kind in ATTRIBUTES.items()
        if kind != "number" and name not in Plain.__struct_fields__ and name != "tenant_claimed"
    ]
    form = defstruct("Form", [*attributes, ("data", data, None)], bases=(Plain,), gc=False)
    return cast("type[Plain]", form)


_JUDGED: Mapping[FieldClass, Any] = {
    FieldClass.LABEL: _Label,
    FieldClass.ID: _Label,
    FieldClass.MEASURE: _Measure,
    FieldClass.CONTENT: Any,
}

FORMS: Mapping[str, type[Plain]] = {name: _form(name) for name in (*TYPES, "")}
"By bare type name; the empty name is for types without fields of their own."

__all__ = ["FORMS", "Plain", "convert"]
