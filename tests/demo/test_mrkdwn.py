"""Slack's markup becomes these tags and no others."""

import pytest

from rulesd.demo.mrkdwn import inline, to_html


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("*Where* tenant `acme`", "<b>Where</b> tenant <code>acme</code>"),
        ("_First page._", "<i>First page.</i>"),
        ("policy_version and tool_type stay", "policy_version and tool_type stay"),
        ("2 * 3 * 4", "2 * 3 * 4"),
        ("a &amp; b &lt;c&gt;", "a &amp; b &lt;c&gt;"),
        ("<https://x.test/a?b=1|Runbook>", '<a href="https://x.test/a?b=1">Runbook</a>'),
        (
            "<https://x.test/&quot;onclick=&quot;|a>",
            '<a href="https://x.test/&quot;onclick=&quot;">a</a>',
        ),
        (":red_circle: CRITICAL", '<span class="dot critical"></span> CRITICAL'),
        (":unknown_thing:", ":unknown_thing:"),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("<javascript:alert(1)|x>", "&lt;javascript:alert(1)|x&gt;"),
        ("`<b>&lt;`", "<code>&lt;b&gt;&lt;</code>"),
    ],
)
def test_one_line(text: str, expected: str) -> None:
    assert inline(text) == expected


def test_a_time_is_shown_on_the_readers_clock() -> None:
    made = inline(
        "<!date^1795416000^{date_short_pretty} {time_secs}|2026-11-23 06:40:00 UTC>, once"
    )
    assert made.startswith('<time title="2026-11-23 06:40:00 UTC">')
    assert made.endswith(":00</time>, once")


def test_quotations_and_paragraphs() -> None:
    assert to_html("a\n> 1. b\n> 2. *c*\n\nd") == (
        "<p>a</p><blockquote>1. b<br>2. <b>c</b></blockquote><p>d</p>"
    )
    assert to_html("&gt; escaped quotation") == "<blockquote>escaped quotation</blockquote>"
