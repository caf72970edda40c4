from rulesd.config.runbooks import _parser, first_five_minutes, title
from tests.config.testing import loaded, rule

BOOK = """Some words first.

# Denied tool *calls* `burst`

## What it means
Nothing.

## The first 5 minutes
Read this **first**, it
matters.

1. Open [the console](https://example.org/x) now.
2. Run:

   ```sh
   rulesd alerts
   rulesd why X
   ```
3. Look:
   - at `tenant`
   - at <https://example.org>
4. Stop.

### Still the first minutes
- Breathe.

## Contain
- Not this.
"""


def test_steps_are_plain_text_one_a_line() -> None:
    assert first_five_minutes(_parser().parse(BOOK)).split("\n") == [
        "Read this first, it matters.",
        "1. Open the console (https://example.org/x) now.",
        "2. Run:",
        "    rulesd alerts",
        "    rulesd why X",
        "3. Look:",
        "  - at tenant",
        "  - at https://example.org",
        "4. Stop.",
        "Still the first minutes",
        "- Breathe.",
    ]


def test_the_title_is_the_first_heading() -> None:
    assert title(_parser().parse(BOOK)) == "Denied tool calls burst"
    assert title(_parser().parse("no heading")) == ""


def test_a_runbook_that_ends_with_the_section() -> None:
    assert first_five_minutes(_parser().parse("## First five minutes\n1. Go.\n")) == "1. Go."
    assert first_five_minutes(_parser().parse("# FIRST FIVE MINUTES")) == ""


def test_an_https_runbook_needs_no_file() -> None:
    result = loaded({"rules/tool/mistake.yaml": rule(runbook="https://wiki.example.org/r?x=1")})
    assert result.problems == ()
    assert result.plan is not None
    book = result.plan.rules[result.plan.by_id["tool.mistake"]].runbook
    assert (book.url, book.markdown, book.id) == (
        "https://wiki.example.org/r?x=1",
        "",
        "tool.mistake",
    )


def test_a_runbook_that_is_not_text_is_a_problem_of_the_runbook() -> None:
    result = loaded(
        {"rules/tool/mistake.yaml": rule(runbook="bad.md"), "rules/tool/bad.md": b"# A\n\xff"}
    )
    assert [(p.path, p.line, p.code) for p in result.errors] == [
        ("rules/tool/bad.md", 2, "invalid_utf8")
    ]
