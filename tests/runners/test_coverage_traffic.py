from pathlib import Path

from rulesd.runners.coverage_traffic import MOST_NAMES, MOST_VALUES, OTHER, blind_spots, body
from tests.runners.recorded import LINES, loaded, recorded


def test_types_labels_and_values_that_nothing_watches(tmp_path: Path) -> None:
    made = loaded(tmp_path)
    assert made.plan is not None
    found = blind_spots(recorded([*LINES, LINES[0]]), made.plan, made.files)
    assert (found.events, found.watched) == (5, 3)
    assert found.types == {"near_miss": (1, 0), "tool.call": (4, 3)}
    assert found.unwatched_types == ["near_miss"]
    assert found.unread == {
        ("near_miss", "hazard"): 1,
        ("near_miss", "tenant"): 1,
        ("tool.call", "language"): 2,
    }
    assert found.values == {
        "hazard": {"x": 1},
        "language": {"fr": 1},
        "scope": {"in": 1},
        "tenant": {"idle": 1},
    }
    assert body(found)["unwatched_types"] == ["near_miss"]


def test_values_beyond_the_limit_are_counted(tmp_path: Path) -> None:
    made = loaded(tmp_path)
    assert made.plan is not None
    lines = [
        LINES[3].replace(b'"fr"', f'"l{n}"'.encode()).replace(b'"e3"', f'"x{n}"'.encode())
        for n in range(MOST_VALUES + 5)
    ]
    assert blind_spots(recorded(lines), made.plan, made.files).beyond == {"language": 5}


def test_a_producers_own_field_is_told_by_name_never_by_value(tmp_path: Path) -> None:
    made = loaded(tmp_path)
    assert made.plan is not None
    own = LINES[3].replace(b'"language": "fr"', b'"squad": "blue team"')
    found = blind_spots(recorded([own, b"not json"]), made.plan, made.files)
    assert found.unread == {("tool.call", "squad"): 1}
    assert "squad" not in found.values
    assert (found.refused, body(found)["refused"]) == (1, 1)


def test_names_of_own_fields_are_bounded(tmp_path: Path) -> None:
    made = loaded(tmp_path)
    assert made.plan is not None
    lines = [
        LINES[3].replace(b'"language"', f'"f{n}"'.encode()).replace(b'"e3"', f'"x{n}"'.encode())
        for n in range(MOST_NAMES + 5)
    ]
    found = blind_spots(recorded(lines), made.plan, made.files)
    assert len(found.unread) == MOST_NAMES
    assert found.beyond == {OTHER: 5}
