import random

import pytest

from rulesd.notify import text as module
from rulesd.notify.text import cut, cut_lines, lines, one_line, safe_url, slack_code, slack_escape


def test_one_line_removes_breaks_controls_and_what_nobody_sees() -> None:
    assert one_line("a\r\nb\tc\x00d\x1b[31m") == "a b c d [31m"
    assert one_line("safe\u202egnp.exe\u200b\u2066x\ufeff") == "safegnp.exex"
    assert one_line("x\ud800y\U000e0041z") == "xyz"


def test_lines_keeps_breaks_only() -> None:
    assert lines("a\r\nb\rc\n\u202ed\x07") == "a\nb\nc\nd"


def test_the_short_way_for_plain_text_says_the_same() -> None:
    chance = random.Random(3)
    letters = [
        "a",
        "Z",
        "~",
        " ",
        "  ",
        "!",
        "\t",
        "\n",
        "\r\n",
        "\x00",
        "\x7f",
        "\x1f",
        "é",
        "\u200b",
        "\ud800",
    ]
    for _ in range(5_000):
        given = "".join(chance.choices(letters, weights=[9] * 6 + [1] * 9, k=chance.randint(0, 9)))
        plain = module._INVISIBLE.sub("", module._CONTROL.sub(" ", given))
        assert one_line(given) == module._SPACE.sub(" ", plain).strip()
        broken = given.replace("\r\n", "\n").replace("\r", "\n")
        assert lines(given) == module._INVISIBLE.sub("", module._CONTROL.sub("", broken))


def test_cut_marks_what_it_cut() -> None:
    assert cut("abc", 3) == "abc"
    assert cut("abcd", 3) == "ab…"


def test_cut_lines_cuts_after_a_whole_line() -> None:
    text = "first line\nsecond line\nthird line"
    assert cut_lines(text, 100, "(more)") == text
    assert cut_lines(text, 30, "(more)") == "first line\nsecond line\n(more)"
    assert len(cut_lines("x" * 100, 30, "(more)")) <= 30


def test_slack_markup_dies() -> None:
    assert slack_escape("<!channel> & <https://evil|good>") == (
        "&lt;!channel&gt; &amp; &lt;https://evil|good&gt;"
    )
    assert slack_code("a`b\nc<d") == "a'b c&lt;d"


@pytest.mark.parametrize(
    "bad",
    [
        "javascript:alert(1)",
        "https://x y",
        "https://x|y",
        "https://x>",
        'https://x"',
        "",
        "ftp://x",
        "https://x\u202e/",
        "https://" + "x" * 3_000,
    ],
)
def test_only_plain_web_addresses_are_links(bad: str) -> None:
    assert safe_url(bad) == ""
    assert safe_url("https://rulesd.example/runbooks/a?k=1#b") != ""
