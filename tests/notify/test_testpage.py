from rulesd.notify.compose import NoLinks
from rulesd.notify.templates import Medium, Templates
from rulesd.notify.testpage import compose_test
from rulesd.notify.wording import context, headline
from tests.notify.samples import T, plan


def pages() -> list[tuple[str, object]]:
    return list(
        compose_test(
            plan(),
            receiver="oncall",
            owner="platform-safety",
            severity="high",
            by="kim",
            at=T,
            links=NoLinks(),
        )
    )


def test_every_channel_of_the_receiver_gets_one() -> None:
    assert [name for name, _ in pages()] == ["slack[0]", "pagerduty[0]", "webhook[0]", "apprise[0]"]
    assert pages() == pages()


def test_it_says_test_first_and_that_there_is_nothing_to_do() -> None:
    for _, page in pages():
        assert page.test  # type: ignore[attr-defined]
        assert headline(page).startswith("TEST PAGE, nothing happened: HIGH: ")  # type: ignore[arg-type]
        names = context(page)  # type: ignore[arg-type]
        for name, medium in (("plain.j2", Medium.PLAIN), ("slack.j2", Medium.SLACK)):
            done = Templates().render(name, medium, names, lambda: "")
            assert done.notice == ""
            assert "Nothing happened" in done.text
            assert "kim" in done.text


def test_an_unknown_receiver_has_no_channels() -> None:
    assert not compose_test(
        plan(), receiver="x", owner="o", severity="low", by="b", at=T, links=NoLinks()
    )
