"""What is made fast is what the class itself makes."""

from dataclasses import FrozenInstanceError, dataclass, replace

import pytest

from rulesd.model.quick import quick


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    y: int
    x: int
    name: str = ""


def test_it_is_the_same_value_and_frozen() -> None:
    made = quick(Point, "y", "x", "name")(1, 2, "a")
    assert made == Point(y=1, x=2, name="a")
    assert hash(made) == hash(Point(y=1, x=2, name="a"))
    assert type(made) is Point
    assert replace(made, x=3) == Point(y=1, x=3, name="a")
    with pytest.raises(FrozenInstanceError):
        made.x = 4  # type: ignore[misc]


@pytest.mark.parametrize("names", [("x", "y", "name"), ("y", "x"), ("y", "x", "name", "z")])
def test_other_fields_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(TypeError, match="Point has the fields y, x, name"):
        quick(Point, *names)
