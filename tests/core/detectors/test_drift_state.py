"""What ``drift`` remembers is written and read back as it was, also what older versions wrote."""

from rulesd.core.detectors.drift_state import BLOCK, Lesson, Shape, compare
from rulesd.model.event import Json
from rulesd.model.instant import DAY, HOUR

EVEN = [BLOCK, 0, 25, 25]


def taught(blocks: int) -> Lesson:
    lesson, recent = Lesson(HOUR), list[list[int]]()
    for _ in range(blocks):
        recent = [*recent[-7:], list(EVEN)]
        lesson.take(recent)
    return lesson


def test_a_lesson_is_over_after_its_time_and_enough_events() -> None:
    assert not taught(3).over(DAY + HOUR, DAY)
    assert not taught(4).over(DAY + HOUR - 1, DAY)
    assert taught(4).over(DAY + HOUR, DAY)
    lesson = taught(30)
    assert lesson.dispersion() == [1.0] * 4
    assert lesson.counts == [30 * n for n in EVEN]
    assert Lesson.load(lesson.dump()).dump() == lesson.dump()
    assert Lesson(0).dispersion() == [1.0] * 4


def test_blocks_that_differ_more_than_chance_spread_and_rare_values_alone_do_not() -> None:
    lesson, recent = Lesson(0), list[list[int]]()
    for n in range(40):
        recent = [*recent[-7:], [BLOCK, 0, 40, 10] if n % 2 else [BLOCK, 0, 10, 40]]
        lesson.take(recent)
    assert lesson.dispersion()[0] > 3.0
    rare, recent = Lesson(0), list[list[int]]()
    for _ in range(10):
        recent = [*recent[-7:], [BLOCK, 0, BLOCK]]
        rare.take(recent)
    assert rare.spread == [[0.0, 0.0]] * 4


def whole() -> Shape:
    shape = Shape(HOUR)
    shape.slots.at(HOUR, 2)[0] = 1
    shape.names, shape.edges, shape.early = {"a": 2}, [1.0], [(5, 2.0)]
    shape.base, shape.dispersion, shape.kept, shape.known = [1, 0, 1], [1.5] * 4, 1, DAY
    shape.block, shape.recent, shape.open = [1, 1], [[1, 1]], 2
    shape.lesson = taught(2)
    return shape


def test_a_key_is_read_back_as_it_was() -> None:
    for one in (Shape(HOUR), whole()):
        assert Shape.load(one.dump()).dump() == one.dump()
    done = whole()
    done.lesson = None
    assert Shape.load(done.dump()).lesson is None


def test_a_key_is_blank_until_something_was_counted() -> None:
    shape = Shape(0)
    assert shape.blank
    shape.block = [1, 1]
    assert not shape.blank
    assert not whole().blank


def older(shape: Shape, **changes: Json) -> Shape:
    data = shape.dump()
    assert isinstance(data, dict)
    kept = {k: v for k, v in data.items() if k not in ("lesson", "kept")}
    return Shape.load({**kept, "spread": [[1.0, 2.0]] * 4, **changes})


def test_what_an_older_version_had_learned_or_begun_to_learn_is_kept() -> None:
    learned = older(whole(), times=[7, HOUR])
    assert (learned.lesson, learned.kept, learned.known) == (None, 1, 0)
    assert learned.base == [1, 0, 1]
    begun = older(Shape(HOUR), times=[7, HOUR], base=[4, 0, 4])
    assert begun.lesson is not None
    assert (begun.base, begun.lesson.since, begun.lesson.counts) == ([], 7, [4, 0, 4])
    assert begun.lesson.spread == [[1.0, 2.0]] * 4


def test_samples_of_other_sizes_can_be_compared() -> None:
    assert compare([100, 0, 100], [[50, 0, 25, 25]]).rare[0] == 25


def test_a_baseline_in_words() -> None:
    shape = Shape(0)
    shape.base, shape.names = [100, 10, 20, 40, 25, 5], {"a": 2, "b": 3, "c": 4, "d": 5, "new": 6}
    assert shape.in_words(named=True) == "b 40%, c 25%, a 20%"
    assert shape.in_words(named=False) == "20/40/25/5% by bin"
