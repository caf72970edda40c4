import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC
from pathlib import Path

from rulesd.runners.backtest import Outcome
from rulesd.runners.backtest_compare import compare
from rulesd.runners.backtest_figures import figures
from rulesd.runners.report_html import lead, page
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
    ET.fromstring(re.sub(r"<!doctype html>|<meta[^>]*>|&[a-z]+;", "", text))
    assert "tool=&lt;b&gt;" in text
    assert "Against old &lt;set&gt;" in text
    assert "<b>+3</b>" in text
    assert text.count("<svg") == text.count('role="img" aria-label=') == 2
    assert '<th scope="row">safety</th>' in text
    assert "Pages against old &lt;set&gt;: 3 more. It is noticed by safety." in text
    assert "prefers-color-scheme:dark" in text
    assert 'name="viewport"' in text


def test_the_first_sentence_says_what_it_comes_to(tmp_path: Path) -> None:
    out = outcome(tmp_path)
    assert lead(out, figures(out), None).startswith("3 pages: ")
    assert "2 at night" in lead(out, figures(out), None)
    assert (
        lead(out, figures(out), compare(out, out))
        == "Nobody would notice: the same pages as rules."
    )
    quiet = replace(out, pages=[])
    assert lead(quiet, figures(quiet), None) == "Nobody would have been paged; 3 alerts fired."
    none = Outcome(name="x")
    assert "holds no event" in page(none, figures(none), None, UTC)


def test_what_is_not_listed_is_counted(tmp_path: Path) -> None:
    out = outcome(tmp_path)
    many = replace(out, pages=out.pages * 200)
    text = page(many, figures(many), compare(replace(out, pages=[]), many), UTC)
    assert text.count("and 100 more (--format json lists all)") == 2


def test_hours_are_a_table_with_the_night_shaded(tmp_path: Path) -> None:
    out = outcome(tmp_path)
    text = page(out, figures(out), None, UTC)
    heat = text.split('<table class="heat">')[1].split("</table>")[0]
    assert heat.count('<th scope="col" class="night">') == 9
    assert heat.count('class="q4">1</td>') == 2 * 3
