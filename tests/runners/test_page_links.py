from rulesd.runners.page_links import PageLinks
from rulesd.web.links import Links


def test_without_an_address_there_are_no_links_and_with_one_they_are_signed() -> None:
    none = PageLinks("", lambda: 0)
    assert (none.runbook("a.b"), none.alert("x")) == ("", "")
    links = PageLinks("https://rulesd.example.org", lambda: 1_000)
    assert links.runbook("a.b") == ""  # the key is not there yet
    links.signed = Links(key=b"k" * 32, external_url=links.external_url)
    assert links.runbook("a.b").startswith("https://rulesd.example.org/runbooks/a.b?exp=")
    assert links.alert("x") == "https://rulesd.example.org/#x"
