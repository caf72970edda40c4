import xml.etree.ElementTree as ET

from rulesd.runners.report_svg import bars, timeline


def test_bars_are_well_formed_and_escaped() -> None:
    root = ET.fromstring(bars([("<a>", 2), ("b", 0)], 'Pages "by" hour'))
    assert len(root.findall("rect")) == 1
    assert bars([], "x") == ""


def test_a_timeline_has_a_row_a_name_and_marks_inside() -> None:
    root = ET.fromstring(
        timeline([("<r>", [(5, "page", "at <5>"), (10, "added", "x")])], 0, 10, "t")
    )
    assert [c.get("class") for c in root.findall("circle")] == ["page", "added"]
    assert all(230 <= float(c.get("cx") or 0) <= 720 for c in root.findall("circle"))
    assert timeline([], 0, 1, "t") == ""
