from rulesd.model.story import Part, Step, Story


def test_a_story_as_the_api_tells_it() -> None:
    steps = (
        Step(part=Part.EVENT, said="it came", at="2026-01-05T09:00:00.000Z"),
        Step(part=Part.RULE, said="it matched", more=("yes: a", "no: b")),
    )
    assert Story(title="Because.", steps=steps, facts={"n": 1}).as_json() == {
        "title": "Because.",
        "steps": [
            {"part": "event", "said": "it came", "at": "2026-01-05T09:00:00.000Z"},
            {"part": "rule", "said": "it matched", "more": ["yes: a", "no: b"]},
        ],
        "facts": {"n": 1},
    }
