from pathlib import Path

import pytest

from rulesd.runners.calibrate_write import CannotWrite, number_text, replaced, write

TEXT = (
    "# why: 20\nid: a.b\ndetect:\n  burst: {count: 20,   within: 5m}   # twenty\nx: {count: 20}\n"
)
PLACE = ("detect", "burst", "count")


def test_only_the_number_changes() -> None:
    assert replaced(TEXT, "a.yaml", PLACE, 7) == TEXT.replace("{count: 20,  ", "{count: 7,  ")
    assert (
        replaced('{"detect": {"burst": {"count": 20}}}', "a.json", PLACE, 100)
        == '{"detect": {"burst": {"count": 100}}}'
    )


@pytest.mark.parametrize(
    "text", ["id: a\n", "detect: {burst: {count: '20'}}\n", "detect: {burst: {count: true}}\n"]
)
def test_what_is_no_number_there_is_refused(text: str) -> None:
    with pytest.raises(CannotWrite, match="Write it yourself: 7"):
        replaced(text, "a.yaml", PLACE, 7)


def test_the_file_keeps_its_line_ends_and_mode(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(TEXT.replace("\n", "\r\n").encode())
    path.chmod(0o640)
    write(path, PLACE, 0.125)
    assert (
        path.read_bytes()
        == TEXT.replace("\n", "\r\n").replace("count: 20,", "count: 0.125,").encode()
    )
    assert path.stat().st_mode & 0o777 == 0o640
    assert [p.name for p in tmp_path.iterdir()] == ["a.yaml"]


def test_numbers_as_people_write_them() -> None:
    assert [number_text(v) for v in (7.0, 0.1234567, 0.25)] == ["7", "0.1235", "0.25"]
