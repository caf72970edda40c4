"""Runbooks as clean HTML."""

import pytest

from rulesd.web.markdown import render


def test_the_first_five_minutes_stand_apart() -> None:
    parts = render("# T\n\nintro\n\n## First 5 minutes\n\n1. a\n\n### more\n\nb\n\n## Then\n\nc\n")
    assert "intro" in parts.before
    assert "<h1>" not in parts.before
    assert "<li>a</li>" in parts.first
    assert "<h3>more</h3>" in parts.first
    assert "Then" not in parts.first
    assert "<h2>Then</h2>" in parts.after


def test_without_that_section_all_is_after() -> None:
    parts = render("no heading\n")
    assert (parts.before, parts.first) == ("", "")
    assert "no heading" in parts.after
    assert render("").after == ""


@pytest.mark.parametrize(
    "bad",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![x](https://evil.example/pixel.png)",
        "[x](javascript:alert(1))",
        "[x](data:text/html,hi)",
        '<https://x.example/"onmouseover=alert(1)>',
        "<iframe src=//evil.example></iframe>",
        "```\n</code></pre><script>alert(1)</script>\n```",
    ],
)
def test_nothing_active_comes_out(bad: str) -> None:
    parts = render(bad)
    html = parts.before + parts.first + parts.after
    for word in (
        "<script",
        "<img",
        "<iframe",
        'href="javascript',
        'href="data',
        ' onmouseover="',
        " onerror=",
    ):
        assert word not in html.replace("&lt;img src=x onerror=", "")


def test_links_boxes_and_tables() -> None:
    html = render(
        "- [ ] do\n- [x] [done](https://x.example)\n\n|a|b|\n|-|-|\n|1|2|\n\n[m](mailto:a@b.c)"
    ).after
    assert '<span class="box">☐</span> do' in html
    assert (
        '<span class="box">☑</span> <a href="https://x.example" rel="noopener noreferrer">' in html
    )
    assert '<div class="wide"><table>' in html
    assert 'href="mailto:a@b.c"' in html
