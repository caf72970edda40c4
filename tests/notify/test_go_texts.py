from dataclasses import replace

import pytest

from rulesd.config.gotemplate import Fault
from rulesd.config.gotemplate.defaults import library
from rulesd.notify.go_texts import GoTexts, Telling, is_foreign
from tests.notify.samples import burst, note, told

PAGE = note(told(burst(labels={"tenant": "<x>", "tool": "t"})))
FOREIGN = replace(PAGE, alerts=tuple(replace(a, foreign=True) for a in PAGE.alerts))


def texts(**settings: object) -> GoTexts:
    return GoTexts(library(), settings)


def test_only_our_own_labels_are_escaped() -> None:
    own = texts()
    for page, expected in ((PAGE, "&lt;x&gt;"), (FOREIGN, "<x>")):
        data = own.data(page, lambda v: v.replace("<", "&lt;").replace(">", "&gt;"))
        assert own.text("{{ .CommonLabels.tenant }}", data) == expected
        assert own.text("{{ (index .Alerts 0).Labels.tenant }}", data) == expected
    assert is_foreign(FOREIGN)
    assert not is_foreign(PAGE)


def test_what_is_written() -> None:
    own = texts(title="", text="x", fields=[], actions=None)
    assert own.written("text")
    assert not own.written("title", "fields", "actions", "nothing")


def test_texts_inside_lists_and_mappings() -> None:
    own = texts(details={"a {{ .Status }}": [{"b": "{{ .Status }}"}, 3, None]})
    told_ = Telling(own, own.data(PAGE))
    assert told_.each("details") == {"a firing": [{"b": "firing"}, 3, None]}


def test_a_default_is_a_template_or_plain_words_and_the_first_failure_is_noted() -> None:
    own = texts(title="{{ .Nope }}", text="{{ .NopeToo }}", fields=["{{ .X }}"])
    said = Telling(own, own.data(PAGE))
    assert said.say("title", "{{ .Status }}") == "firing"
    assert said.say("text", lambda: "plain {{ words }}") == "plain {{ words }}"
    assert said.each("fields") == []
    assert said.notice == (
        "template of title failed (line 1: there is no field Nope here); standard text used"
    )
    with pytest.raises(Fault):
        said.must("title")
    assert said.must("nothing") == ""
