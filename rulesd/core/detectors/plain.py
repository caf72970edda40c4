"""Reading a dumped state back: plain data, piece by piece, with its type checked.

Law: a state comes from this product's own ``dump``, so a wrong shape is a broken store, not a case to handle: it is asserted.
"""

from rulesd.model.event import Json


def rows(data: Json) -> "list[Json]":
    """A list."""
    assert isinstance(data, list)
    return data


def whole(data: Json) -> int:
    """A whole number."""
    assert isinstance(data, int)
    return data


def real(data: Json) -> float:
    """A number."""
    assert isinstance(data, int | float)
    return float(data)


def text(data: Json) -> str:
    """A text."""
    assert isinstance(data, str)
    return data


def wholes(data: Json) -> list[int]:
    """A list of whole numbers."""
    return [whole(n) for n in rows(data)]


def reals(data: Json) -> list[float]:
    """A list of numbers."""
    return [real(n) for n in rows(data)]


def texts(data: Json) -> tuple[str, ...]:
    """The parts of a key."""
    return tuple(text(t) for t in rows(data))
