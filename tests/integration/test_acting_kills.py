"""kill -9 while switches are set and lifted; the long run is ``make proof NAME=acting``."""

from pathlib import Path

from tests.integration.acting_kills import ActingTrial
from tests.integration.daemon import ROOT

BROKEN = '''
"""A build that tells under a new id each time."""
import uuid
from rulesd.notify import action

sign = action.sign
action.sign = lambda keys, id_, at, body: sign(keys, uuid.uuid4().hex, at, body)
'''


def test_what_is_shown_is_what_is_enforced_is_what_was_told(tmp_path: Path) -> None:
    report = ActingTrial(tmp_path).run(kills=3)
    print(report.text())
    assert report.broken == []
    assert report.kills == 3
    assert report.settings >= 10
    assert report.calls >= report.settings
    assert report.evaluations > 0


def test_a_broken_build_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "sitecustomize.py").write_text(BROKEN)
    environ = {"PYTHONPATH": f"{tmp_path / 'broken'}:{ROOT}"}
    report = ActingTrial(tmp_path / "run", environ=environ).run(kills=1)
    assert any("under another id" in said for said in report.broken)
