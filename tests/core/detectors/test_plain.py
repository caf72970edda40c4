import pytest

from rulesd.core.detectors.plain import real, reals, rows, text, texts, whole, wholes


def test_what_was_dumped_is_read_back() -> None:
    assert rows([1]) == [1]
    assert whole(3) == 3
    assert real(3) == 3.0
    assert text("a") == "a"
    assert wholes([1, 2]) == [1, 2]
    assert reals([1, 0.5]) == [1.0, 0.5]
    assert texts(["a", "b"]) == ("a", "b")


@pytest.mark.parametrize(
    ("read", "data"),
    [(rows, {}), (whole, "1"), (real, "1"), (text, 1), (wholes, ["1"]), (texts, [1])],
)
def test_a_broken_store_is_loud(read: object, data: object) -> None:
    with pytest.raises(AssertionError):
        read(data)  # type: ignore[operator]
