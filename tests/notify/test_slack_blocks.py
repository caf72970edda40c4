import random

import orjson
from slack_sdk.models.blocks import Block

from rulesd.notify.compose import compose, decode_notification
from rulesd.notify.fake_rules import slack_problem
from rulesd.notify.slack_blocks import BUDGET, message
from rulesd.notify.templates import Templates
from tests.notify.samples import Links, alert, burst, due, note, plan, rule, told

TEMPLATES = Templates()


def valid(said: dict[str, object]) -> None:
    """By Slack's own library, by the stand-in, and within our budget."""
    assert said["text"]
    assert slack_problem(said) == ""
    assert len(orjson.dumps(said["blocks"]).decode()) <= BUDGET
    for block in Block.parse_all(said["blocks"]):  # type: ignore[arg-type]
        block.validate_json()


def test_a_page_is_valid_block_kit_with_its_buttons() -> None:
    said = message(note(), TEMPLATES)
    valid(said)
    kinds = [b["type"] for b in said["blocks"]]
    assert kinds == ["header", "section", "section", "section", "section", "actions", "context"]
    buttons = said["blocks"][-2]["elements"]
    assert [b["text"]["text"] for b in buttons] == ["Runbook", "Console"]
    assert all(b["url"].startswith("https://rulesd.example/") for b in buttons)
    assert said["blocks"][0]["text"]["text"].startswith(":red_circle: CRITICAL: ")


def test_sections_make_no_links_of_their_own() -> None:
    """A bare address in a label must not become clickable."""
    said = message(
        note(told(alert(labels={"tenant": "https://evil.example", "tool": "x"}))), TEMPLATES
    )
    for block in said["blocks"]:
        if block["type"] == "section":
            assert block["text"]["verbatim"] is True


def test_without_addresses_there_are_no_buttons() -> None:
    page = note()
    bare = page.__class__(
        **{
            **{f: getattr(page, f) for f in page.__slots__},
            "alerts": (),
        }
    )
    assert "actions" not in [b["type"] for b in message(bare, TEMPLATES)["blocks"]]


def test_nothing_is_ever_too_big() -> None:
    rng = random.Random(7)
    nasty = ['"\n\\', "<&>", "é☃", "x", "`", "---\n"]
    for size in (0, 100, 2_000, 20_000):
        for kind in nasty:
            text = kind * size
            steps = "\n".join(f"{i}. {text[:500]}" for i in range(40))
            runbook = rule().runbook
            own = plan(
                rule(
                    title=(text or "t")[:4_000],
                    runbook=runbook.__class__(
                        id="r", title=text, markdown="", url="", first_five_minutes=steps
                    ),
                )
            )
            members = [
                told(alert(i, context={f"c{j}": text[:300] for j in range(rng.randrange(64))}))
                for i in range(rng.choice([1, 3, 40]))
            ]
            (row, *_) = compose(due(*members), own, number=1, links=Links())
            valid(message(decode_notification(row.body), TEMPLATES))


def test_an_operators_endless_template_is_cut_and_says_so() -> None:
    said = message(
        note(),
        Templates({"slack.j2": "{% for i in range(900) %}line {{ i }} and more\n{% endfor %}"}),
    )
    valid(said)
    assert "shortened" in str(said["blocks"])
    many = message(note(), Templates({"slack.j2": "{% for i in range(90) %}a\n---\n{% endfor %}"}))
    valid(many)
    assert len(many["blocks"]) <= 50


def test_a_broken_template_says_so_in_the_page() -> None:
    said = message(note(), Templates({"slack.j2": "{{ nothing }}"}))
    valid(said)
    assert "template slack.j2 failed" in str(said["blocks"])
    assert "was used outside" in str(said["blocks"])


def test_the_fallback_text_is_escaped_and_complete() -> None:
    said = message(note(told(burst(labels={"tenant": "<!here>", "tool": "sql"}))), TEMPLATES)
    assert "&lt;!here&gt;" in said["text"]
    assert "23 denials of sql" in said["text"]


def test_a_header_of_control_characters_stays_within_its_limit() -> None:
    title = "&" * 500
    own = plan(rule(title=title))
    (row, *_) = compose(due(), own, number=1, links=Links())
    valid(message(decode_notification(row.body), TEMPLATES))
