import re
import time

import pytest

from rulesd.notify.templates import (
    Medium,
    Templates,
    clock,
    render_summary,
    shipped,
    shipped_folder,
)

PLAIN, SLACK = Medium.PLAIN, Medium.SLACK


def render(source: str, medium: Medium = PLAIN, **context: object) -> tuple[str, str]:
    done = Templates({"own.j2": source, "plain.j2": source}).render(
        "plain.j2", medium, {"headline": "H", "test": False, **context}, lambda: "fallback"
    )
    return done.text, done.notice


def test_shipped_templates_are_the_repository_files() -> None:
    assert set(shipped()) == {"email.j2", "plain.j2", "slack.j2", "pagerduty_summary.j2"}
    assert (shipped_folder() / "plain.j2").is_file()
    assert shipped_folder().parts[-2:] == ("notifiers", "templates")


def test_the_operators_file_takes_precedence() -> None:
    assert render("own words: {{ headline }}") == ("own words: H", "")


@pytest.mark.parametrize(
    ("source", "notice"),
    [
        ("{{ nothing.here }}", "UndefinedError, line 1"),
        ("{% if %}", "SyntaxError, line 1"),
        ("x\n{{ headline | nofilter }}", "UnknownFilter, line 2"),
        (
            "{% for a in range(90000) %}{% for b in range(90000) %}x{% endfor %}{% endfor %}",
            "OutOfFuel",
        ),
        # before 3.1 minijinja refused it outright, since then it is paid for in fuel
        ("{{ 'x' * 900000000 }}", "InvalidOperation|OutOfFuel"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "InvalidOperation"),
        ("   \n", "it gives no text"),
        ("{{ 'x' * 99999 }}", "its text is too long"),
    ],
)
def test_a_broken_template_costs_its_own_words_and_nothing_else(source: str, notice: str) -> None:
    began = time.process_time()  # not the clock on the wall: others may need the processor
    text, said = render(source, alert=None, others=[], unlisted=0)
    assert time.process_time() - began < 1.0
    assert text == "H"  # the shipped plain.j2 stands in
    assert said.startswith("template plain.j2 failed (")
    assert any(kind in said for kind in notice.split("|")), said
    assert said.endswith("; standard text used")


def test_when_even_the_shipped_one_fails_there_is_plain_text() -> None:
    done = Templates().render("plain.j2", PLAIN, {}, lambda: "plain\u202e words")
    assert done.text == "plain words"
    assert "UndefinedError" in done.notice
    assert Templates().render("none.j2", PLAIN, {}, lambda: "x").text == "x"


def test_a_filter_given_something_odd_is_a_failed_template() -> None:
    text, notice = render("{{ headline | when | nothing }}", alert=None, others=[], unlisted=0)
    assert text == "H"
    assert notice


def test_a_notice_never_quotes_a_value() -> None:
    _, notice = render("{{ secret + 1 }}", secret="hunter2", alert=None, others=[], unlisted=0)
    assert "hunter2" not in notice


def test_slack_escapes_every_value_and_no_markup() -> None:
    text, _ = render("*{{ v }}* {{ v|code }} {{ v|upper }}", SLACK, v="<!here> & `x`")
    assert text == "*&lt;!here&gt; &amp; `x`* `&lt;!here&gt; &amp; 'x'` &lt;!HERE&gt; &amp; `X`"
    assert not re.search(r"<(?!!date)", text)


def test_when_shows_the_readers_own_time() -> None:
    at = "2026-01-05T09:00:11.000Z"
    text, _ = render("{{ at|when }}", SLACK, at=at)
    assert text == ("<!date^1767603611^{date_short_pretty} {time_secs}|2026-01-05 09:00:11 UTC>")
    assert render("{{ at|when }}", PLAIN, at=at)[0] == "2026-01-05 09:00:11 UTC"
    assert render("{{ at|when }}", SLACK, at="<soon>")[0] == "&lt;soon&gt;"
    assert clock("soon") == "soon"


def test_quote_keeps_every_line_inside_the_quotation() -> None:
    text, _ = render("{{ v|quote }}", SLACK, v="1. a\n2. <b>\n`c`")
    assert text == "> 1. a\n> 2. &lt;b&gt;\n> 'c'"


def test_broken_files_are_known_before_any_page() -> None:
    assert Templates({"a.j2": "{% if %}", "b.j2": "fine"}).broken == {"a.j2": "SyntaxError, line 1"}


def test_summary() -> None:
    names = {"labels": {"tool": "shell"}, "value": 23}
    assert render_summary("{{ value }} of {{ labels.tool }}", names) == "23 of shell"
    assert render_summary("{{ labels.none }}", names) is None
    assert render_summary("{{ labels.none | default('-') }}", names) == "-"
    assert render_summary("{% if", names) is None
    assert render_summary("  ", names) is None
    assert render_summary("{% for i in range(99999) %}x{% endfor %}", names) is None
    assert render_summary("a\n\u202eb", {}) == "a b"
    assert len(render_summary("{{ 'x' * 5000 }}", {}) or "") == 300


def test_html_escapes_every_value_and_what_filters_make_stays() -> None:
    said, notice = render(
        "{{ x }}|{{ x|code }}|{{ t|when }}|{{ y|quote }}",
        Medium.HTML,
        x="<b>&",
        y="a\n<i>",
        t="2026-01-05T09:00:11Z",
    )
    assert notice == ""
    assert said == (
        "&lt;b&gt;&amp;|<code>&lt;b&gt;&amp;</code>|2026-01-05 09:00:11 UTC|"
        "<div>a<br>&lt;i&gt;</div>"
    )
