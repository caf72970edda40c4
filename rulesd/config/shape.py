"""Strict pydantic models for files, and their errors as problems at places.

Law: an unknown field is an error with a suggestion; a value is never repeated in a message (it may be a secret); all
problems of a document are found in one pass.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, TypeAlias, TypeVar, Union, get_args, get_origin

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetJsonSchemaHandler,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, ErrorDetails, PydanticCustomError

from rulesd.config.document import Document, Path_
from rulesd.config.problems import Code, Problems, did_you_mean, listed
from rulesd.model.duration import parse_duration
from rulesd.model.event import Json
from rulesd.model.instant import DAY, Milliseconds

LONGEST = 30 * DAY
"The longest window, hold or lateness of a rule: its state has to fit in memory."


class Strict(BaseModel):
    """A mapping whose fields are all known."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class Gentle(Strict):
    """A mapping where a name without a value says as little as one that is not there: ``routes:`` with every line below it in comments.

    Alertmanager reads its file so.
    """

    @model_validator(mode="before")
    @classmethod
    def _empty_is_absent(cls, data: object) -> object:
        if not isinstance(data, dict) or all(value is not None for value in data.values()):
            return data
        known = {field.alias or name for name, field in cls.model_fields.items()}
        return {k: v for k, v in data.items() if v is not None or k not in known}


EmptyMapping = BeforeValidator(lambda v: {} if v is None else v)
"Marks a mapping whose name may stand without a value."

Free: TypeAlias = Any
"Plain data of any shape: what is read elsewhere, or not read at all."

M = TypeVar("M", bound=BaseModel)


class OneOrMany:
    """Marks a list that a file may write as its one item; for the JSON Schema."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Either the item or the list."""
        made = handler(core)
        return {"anyOf": [made["items"], made]} if "items" in made else made


def _duration(value: object) -> Milliseconds:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise PydanticCustomError(
            Code.INVALID_DURATION.value,
            'a duration is text. Write a number and a unit, such as "5m".',
        )
    try:
        length = parse_duration(value)
    except (ValueError, OverflowError) as error:
        raise PydanticCustomError(
            Code.INVALID_DURATION.value, "{said}.", {"said": str(error)[:200]}
        ) from None
    if length > 3650 * DAY:
        raise PydanticCustomError(
            Code.OUT_OF_RANGE.value, "a duration of more than ten years. Write a shorter one."
        )
    return length


_DURATION_SCHEMA = WithJsonSchema(
    {
        "type": "string",
        "pattern": r"^([0-9]+(\.[0-9]+)?(ms|[ywdhms]))+$|^0$",
        "examples": ["30s", "5m", "1h30m", "7d"],
    }
)

Duration = Annotated[int, BeforeValidator(_duration), _DURATION_SCHEMA]
"Any length of time, zero included."


def _window(value: object) -> Milliseconds:
    length = _duration(value)
    if length == 0:
        raise PydanticCustomError(
            Code.OUT_OF_RANGE.value, 'must be longer than zero. Write a duration such as "5m".'
        )
    return _bounded(length)


def _bounded(length: Milliseconds) -> Milliseconds:
    if length > LONGEST:
        raise PydanticCustomError(
            Code.OUT_OF_RANGE.value, "longer than 30 days. Write at most 30d."
        )
    return length


Window = Annotated[int, BeforeValidator(_window), _DURATION_SCHEMA]
"Longer than zero, at most 30 days."

Hold = Annotated[int, BeforeValidator(lambda v: _bounded(_duration(v))), _DURATION_SCHEMA]
"Zero to 30 days."

Positive = Annotated[int, BeforeValidator(lambda v: _positive(v)), _DURATION_SCHEMA]  # noqa: PLW0108
"Longer than zero, without a bound worth naming."


def _positive(value: object) -> Milliseconds:
    length = _duration(value)
    if length == 0:
        raise PydanticCustomError(
            Code.OUT_OF_RANGE.value, 'must be longer than zero. Write a duration such as "5m".'
        )
    return length


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _tupled(value: object) -> object:
    listed_ = _listed(value)
    return tuple(listed_) if isinstance(listed_, list) else listed_


_TEXTS = {"type": "array", "items": {"type": "string"}}

Names = Annotated[
    tuple[str, ...],
    BeforeValidator(_tupled),
    WithJsonSchema({"anyOf": [{"type": "string"}, _TEXTS]}),
]
"A list of texts; a single text is taken as a list of one."

Strings = Annotated[
    tuple[str, ...], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)
]
"A list of texts."


def parse(
    model: type[M], document: Document, problems: Problems, *, base: Path_ = (), data: object = ...
) -> M | None:
    """The part of a document at ``base`` as ``model``, or ``None`` after reporting everything wrong with it."""
    if data is ...:
        node = document.node(base)
        data = node.data if node is not None else None
    try:
        return model.model_validate(data)
    except ValidationError as error:
        report(error, model, document, problems, base=base)
        return None


def parse_rest(
    model: type[M], document: Document, problems: Problems, stand_ins: Mapping[str, Json]
) -> tuple[M | None, frozenset[str]]:
    """As ``parse``, and where fields are wrong what the others say, so that they can be judged as well.

    Gives the model, without what is wrong or missing (``stand_ins`` where there is no default), and the names of that.
    """
    whole = parse(model, document, problems)
    data = document.data
    if whole is not None or not isinstance(data, dict):
        return whole, frozenset()
    try:
        model.model_validate(data)
        wrong = frozenset[str]()
    except ValidationError as error:
        wrong = frozenset(str(fault["loc"][0]) for fault in error.errors() if fault["loc"])
    rest = {name: value for name, value in data.items() if name not in wrong}
    rest |= {name: value for name, value in stand_ins.items() if name in wrong}
    try:
        return model.model_validate(rest), wrong
    except ValidationError:
        return None, wrong


def report(
    error: ValidationError,
    model: type[BaseModel],
    document: Document,
    problems: Problems,
    *,
    base: Path_ = (),
) -> None:
    """Each error of pydantic's as a problem at its place."""
    for fault, kinds in _one_member(
        error.errors(include_url=False, include_context=True, include_input=False), document, base
    ):
        path = (*base, *_real(fault["loc"], document, base))
        kind, name = fault["type"], _name(fault["loc"])
        context = fault.get("ctx", {})
        if kind not in _NAMED_LAST and _member(fault["loc"], document, base):
            path = (*base, *_there(fault["loc"], document, base))
            name = _name(path[len(base) :]) or _name(path)
        if kind == "extra_forbidden":
            known = list(_fields_at(model, fault["loc"]))
            hint = f"{did_you_mean(name, known)}Known here: {listed(known, 40)}."
            problems.at(
                document, path, Code.UNKNOWN_FIELD, f'unknown field "{name}"', hint, key=True
            )
        elif kind == "missing":
            around = path[:-1] if path and path[-1] == fault["loc"][-1] else path
            problems.at(
                document,
                around,
                Code.MISSING_FIELD,
                f'the field "{name}" is missing',
                f'Add "{name}: ...".',
            )
        elif kind in set(Code):
            said, _, hint = fault["msg"].partition(". ")
            code = Code(kind)
            problems.at(
                document, path, code, f"{name}: {said}" if name else said, hint or "Correct it."
            )
        else:
            code, said, hint = _said(kind, context)
            if kinds:
                forms = [_TYPES[one][0].removeprefix("must be ") for one in kinds]
                said, hint = f"must be {' or '.join(forms)}", "Write one of these."
            problems.at(document, path, code, f"{name}: {said}" if name else said, hint)


def _one_member(
    faults: Sequence[ErrorDetails], document: Document, base: Path_
) -> Iterator[tuple[ErrorDetails, tuple[str, ...]]]:
    """Of what pydantic says of each member of a union, what is said of the member that was meant.

    That is the one whose type fits. Where none does there is one fault, with the types that would.
    """
    unions: dict[Path_, dict[str, list[ErrorDetails]]] = {}
    places = []
    for fault in faults:
        loc = fault["loc"][:-1] if fault["type"] in _NAMED_LAST else fault["loc"]
        member = _member(loc, document, base)
        at = _there(loc[: loc.index(member)], document, base) if member else ()
        places.append((fault, at, member))
        if member:
            unions.setdefault(at, {}).setdefault(member, []).append(fault)
    for fault, at, member in places:
        rivals = unions[at] if member else {}
        other = {m for m, said in rivals.items() if any(one["type"] in _TYPES for one in said)}
        if len(rivals) < 2 or member not in other:
            yield fault, ()
        elif len(other) == len(rivals) and fault is next(iter(rivals.values()))[0]:
            yield fault, tuple(dict.fromkeys(said[0]["type"] for said in rivals.values()))


_NAMED_LAST = frozenset(("missing", "extra_forbidden"))
"Faults about a name that is not in the file, or should not be."


def _member(loc: tuple[int | str, ...], document: Document, base: Path_) -> str:
    """The first step that names a member of a union and nothing in the file; empty when there is none."""
    path: Path_ = ()
    for step in loc:
        if step != "[key]" and document.node((*base, *path, step)) is not None:
            path = (*path, step)
        elif isinstance(step, str) and step != "[key]":
            return step
    return ""


def _there(loc: tuple[int | str, ...], document: Document, base: Path_) -> Path_:
    """The steps of ``loc`` that the file has."""
    path: Path_ = ()
    for step in loc:
        if step != "[key]" and document.node((*base, *path, step)) is not None:
            path = (*path, step)
    return path


_TYPES = {
    "string_type": ("must be text", 'Quote it: "...".'),
    "string_sub_type": ("must be text", 'Quote it: "...".'),
    "int_type": ("must be a whole number", "Write digits, without quotes."),
    "int_from_float": ("must be a whole number", "Write digits, without quotes."),
    "float_type": ("must be a number", "Write digits, without quotes."),
    "bool_type": ("must be true or false", "Write true or false, without quotes."),
    "list_type": ("must be a list", "Write [a, b], or one line for each with a dash."),
    "tuple_type": ("must be a list", "Write [a, b], or one line for each with a dash."),
    "dict_type": ("must be a mapping", 'Write fields: "name: value".'),
    "mapping_type": ("must be a mapping", 'Write fields: "name: value".'),
    "model_type": ("must be a mapping", 'Write fields: "name: value".'),
    "none_required": ("must be empty", "Remove it."),
}


def _said(kind: str, context: dict[str, Any]) -> tuple[Code, str, str]:
    if kind in _TYPES:
        return Code.WRONG_TYPE, *_TYPES[kind]
    if kind in {"literal_error", "enum"}:
        return (
            Code.INVALID_VALUE,
            "is not one of the known words",
            f"Write one of: {context.get('expected', '')}.",
        )
    bounds = {
        "greater_than": ("must be more than {gt}", "Write a larger number."),
        "greater_than_equal": ("must be at least {ge}", "Write a larger number."),
        "less_than": ("must be less than {lt}", "Write a smaller number."),
        "less_than_equal": ("must be at most {le}", "Write a smaller number."),
        "too_short": ("needs at least {min_length}", "Add one."),
        "too_long": ("may hold at most {max_length}", "Remove some."),
        "string_too_short": ("must not be empty", "Write it."),
        "string_too_long": ("is longer than {max_length} characters", "Shorten it."),
    }
    if kind in bounds:
        said, hint = bounds[kind]
        return Code.OUT_OF_RANGE, said.format(**context), hint
    if kind == "string_pattern_mismatch":
        return (
            Code.INVALID_VALUE,
            "has a form that is not allowed here",
            f"It must match {context.get('pattern')}.",
        )
    return (
        Code.INVALID_VALUE,
        "is not valid here",
        "Correct it; `rulesd schema` tells what may stand here.",
    )


def _name(loc: tuple[int | str, ...]) -> str:
    names = [s for s in loc if isinstance(s, str) and s != "[key]"]
    return names[-1] if names else ""


def _real(loc: tuple[int | str, ...], document: Document, base: Path_) -> Path_:
    """``loc`` without the steps pydantic adds for itself (names of union members, ``[key]``)."""
    path: Path_ = ()
    for i, step in enumerate(loc):
        if step == "[key]":
            continue
        if document.node((*base, *path, step)) is not None or i == len(loc) - 1:
            path = (*path, step)
    return path


def _fields_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> Iterator[str]:
    """The fields known where ``loc`` ends: those of the model that forbade the last step."""
    for found in _models(model, loc[:-1]):
        for name, field in found.model_fields.items():
            yield field.alias or name


def _models(kind: object, loc: tuple[int | str, ...]) -> Iterator[type[BaseModel]]:
    """Models that ``kind`` may mean after walking ``loc``."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        yield from _models(arguments[0], loc)
    elif origin in (Union, UnionType):
        for argument in arguments:
            if argument is not NoneType:
                yield from _models(argument, loc)
    elif isinstance(kind, type) and issubclass(kind, BaseModel):
        if not loc:
            yield kind
            return
        for name, field in kind.model_fields.items():
            if loc[0] in (name, field.alias):
                yield from _models(field.annotation, loc[1:])
    elif origin in (list, tuple) and arguments:
        yield from _models(arguments[0], loc[1:] if loc and isinstance(loc[0], int) else loc)
    elif origin is dict and len(arguments) == 2:
        yield from _models(arguments[1], loc[1:])
