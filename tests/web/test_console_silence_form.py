"""The form for a silence."""

from rulesd.model.alert import Foreign
from rulesd.web.console_silence_form import Form, about, read
from tests.web.fakes import NOW, alert


def test_what_is_sent_is_an_api_call() -> None:
    form = read(
        {
            "matchers": ' tool.denied \r\n\r\ntenant=~"acme|globex"\nroute!=x',
            "for": " 2h ",
            "comment": " why ",
            "end_on_resolve": "yes",
        }
    )
    assert form.body() == {
        "matchers": ['alertname="tool.denied"', 'tenant=~"acme|globex"', "route!=x"],
        "for": "2h",
        "comment": "why",
        "end_on_resolve": True,
    }
    assert read({}).body("preview") == {"matchers": [], "for": "1h", "comment": "preview"}


def test_an_alert_fills_it_with_what_tells_it_apart() -> None:
    assert (
        about(alert()).matchers == 'alertname="tool.scope_violation"\ntenant="acme"\ntool="shell"'
    )
    odd = alert(labels={"tool": 'a"b', "empty": ""}, context={"tenant": "acme"})
    assert about(odd, "acme").matchers == (
        'alertname="tool.scope_violation"\ntool="a\\"b"\ntenant="acme"'
    )
    assert "tenant" not in about(odd, "globex").matchers
    theirs = Foreign(
        starts_at=NOW, ends_at=NOW, timeout=False, updated_at=NOW, annotations={}, generator_url=""
    )  # fmt: skip
    labels = {"alertname": "Up", "job": "x"}
    assert about(alert(foreign=theirs, labels=labels)).matchers == 'alertname="Up"\njob="x"'


def test_it_was_looked_at_only_as_it_stands_now() -> None:
    assert not Form(matchers="a=b").looked
    assert Form(matchers="a=b\r\nc=d ", seen="a=b\nc=d").looked
    assert not Form(matchers="a=b", seen="a=c").looked
    assert not Form(matchers="", seen="").looked


def test_a_length_nobody_offers_stays_what_it_was() -> None:
    assert [v for v, _, chosen in Form(length="2h").lengths() if chosen] == ["2h"]
    assert Form(length="90m").lengths()[0] == ("90m", "90m", True)
