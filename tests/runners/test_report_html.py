import re
from dataclasses import replace
from datetime import UTC
from pathlib import Path

from rulesd.runners.backtest_compare import compare
from rulesd.runners.backtest_figures import figures
from rulesd.runners.report_html import page
from tests.runners.recorded import outcome


def test_the_report_is_whole_fetches_nothing_and_escapes_what_comes_from_events(
    tmp_path: Path,
) -> None:
    out = outcome(tmp_path)
    text = page(out, figures(out), compare(replace(out, pages=[], name="old <set>"), out), UTC)
    assert text == page(
        out, figures(out), compare(replace(out, pages=[], name="old <set>"), out), UTC
    )
    assert not re.search(r"(src|href)=|<script|url\(|@import", text)
    assert "<b>" not in text.split("<h2>By rule")[1].split("never fired")[0]
    assert "tool=&lt;b&gt;" in text
    assert "Against old &lt;set&gt;" in text
    assert "<b>+3</b>" in text
    assert text.count("<svg") == 3
    assert "prefers-color-scheme:dark" in text
    assert 'name="viewport"' in text
