import xml.etree.ElementTree as ET
from zoneinfo import ZoneInfo

from rulesd.runners.report_svg import bars, timeline


def test_bars_are_well_formed_and_escaped() -> None:
    root = ET.fromstring(bars([("<a>", 2), ("b", 0)], 'Pages "by" hour'))
    assert len(root.findall("rect")) == 1
    assert bars([], "x") == ""


UTC = ZoneInfo("UTC")
HOUR = 3_600_000


def test_a_timeline_has_a_row_a_name_and_marks_inside() -> None:
    marks = [(5, "critical", "at <5>"), (10, "low added", "x"), (7, "removed", "y")]
    root = ET.fromstring(timeline([("<r>" * 20, marks)], 0, 10, "t", UTC))
    circles = root.findall("circle")
    assert [c.get("class") for c in circles] == ["critical", "low added", "removed"]
    assert [c.get("r") for c in circles] == ["6", "3.5", "4.5"]
    assert all(230 <= float(c.get("cx") or 0) <= 960 for c in circles)
    assert timeline([], 0, 1, "t", UTC) == ""


def test_nights_and_days_are_those_of_the_zone_and_an_hour_longer_or_shorter_twice_a_year() -> None:
    # 29 March 2026: Berlin's clocks go from 02:00 to 03:00, so the night has an hour less.
    began = 1774738800000  # 2026-03-29T00:00+01:00
    root = ET.fromstring(timeline([("r", [(began, "low", "")])], began, began + 24 * HOUR, "t", ZoneInfo("Europe/Berlin")))  # fmt: skip
    wide = [float(r.get("width") or 0) for r in root.findall("rect")]
    hour = (960 - 230 - 12) / 24
    assert [round(w / hour) for w in wide] == [6, 2, 1]
    assert [t.text for t in root.findall("text") if t.get("class") == "n"] == [
        "Sun 29 Mar",
        "Mon 30 Mar",
    ]
    long = ET.fromstring(timeline([("r", [(0, "low", "")])], 0, 24 * HOUR * 90, "t", UTC))
    assert long.findall("rect") == []


def test_what_a_plot_comes_to_is_said() -> None:
    assert 'aria-label="Pages by day: 3 in all, most on Mon (2)"' in bars([("Mon", 2), ("Tue", 1)], "Pages by day")  # fmt: skip
