from dataclasses import replace

from rulesd.model.decision import Status
from rulesd.model.reasons import Reason
from rulesd.notify.templates import Medium, Templates
from rulesd.notify.wording import (
    context,
    evidence,
    following,
    headline,
    lasted,
    main_alert,
    measured,
    plain_fallback,
    verdict,
    where,
    why,
)
from tests.notify.samples import FIRST_FIVE, alert, burst, note, resolved, rule, told

TITLE = rule().title


def test_the_headline_says_how_bad_and_what() -> None:
    assert headline(note()) == f"CRITICAL: {TITLE} (tenant acme, tool shell)"
    assert (
        headline(note(told(burst(1)), told(burst(2))))
        == "HIGH: Denied tool calls pile up and 1 more: 46 times since 09:00 UTC"
    )
    assert headline(note(resolved(), status=Status.RESOLVED)).startswith("RESOLVED: ")


def test_test_pages_say_so_first() -> None:
    assert headline(replace(note(), test=True)).startswith("TEST PAGE, nothing happened: ")


def test_verdicts() -> None:
    taken = replace(alert(), acknowledged_by="kim\u202e")
    quiet = note(told(taken, Status.ACKNOWLEDGED), page=False, status=Status.ACKNOWLEDGED)
    assert verdict(quiet) == "ACKNOWLEDGED by kim"
    assert verdict(replace(quiet, alerts=())) == "ACKNOWLEDGED"
    assert verdict(note(storm=14)) == "STORM of 14 pages"
    assert verdict(replace(note(), alerts=())) == "ALERT"


def test_the_page_speaks_about_the_worst_new_one_that_fires() -> None:
    page = note(resolved(alert(1)), told(alert(2), changed=False), told(burst(3)), told(alert(4)))
    main = main_alert(page)
    assert main is not None
    assert main.alert == alert(4).alert
    assert main_alert(replace(page, alerts=())) is None


def test_where_shows_identity_first_and_hides_what_is_said_elsewhere() -> None:
    (told_,) = note().alerts
    assert where(told_) == [
        ("tenant", "acme"),
        ("tool", "shell"),
        ("model", "m-7"),
        ("route", "support-chat"),
    ]


def test_measured() -> None:
    assert measured(note(told(burst())).alerts[0]) == "23 events, the threshold is 20 events"
    assert measured(note().alerts[0]) == "1 event (one is enough)"
    assert measured(note(told(alert(could_not_evaluate=True))).alerts[0]).startswith("nothing")


def test_evidence_keeps_the_first_and_the_last() -> None:
    one = note(told(alert(causes=tuple(f"e{i}" for i in range(14))))).alerts[0]
    assert evidence(one) == "e0, e1, e2, e3, … 6 more …, e10, e11, e12, e13"


def test_why_is_a_sentence_for_every_reason() -> None:
    for reason in Reason:
        said = why(note(reason=reason))
        assert said == "" or said.endswith("."), reason
    assert why(note(told(alert(could_not_evaluate=True)))) == ""


def test_lasted_and_following() -> None:
    assert lasted(note(resolved(), status=Status.RESOLVED).alerts[0]) == "11m40s"
    assert lasted(note().alerts[0]) == ""
    assert "counted here" in following(note(storm=3))
    assert following(replace(note(), alerts=())) == ""


def every_text(page: object) -> list[str]:
    templates = Templates()
    names = context(page)  # type: ignore[arg-type]
    done = [
        templates.render("plain.j2", Medium.PLAIN, names, lambda: "FELL BACK"),
        templates.render("slack.j2", Medium.SLACK, names, lambda: "FELL BACK"),
    ]
    assert [d.notice for d in done] == ["", ""]
    return [done[0].text, done[1].text, plain_fallback(page)]  # type: ignore[arg-type]


def test_every_text_holds_all_that_a_tired_person_needs() -> None:
    for text in every_text(note(told(burst()))):
        for needed in (
            "23 denials of shell in five minutes",
            "high",
            "acme",
            "support-chat",
            "23 events, the threshold is 20 events",
            "23 times",
            "evt-1",
            "platform-safety",
            "Open the alert and note tenant and tool",
            "pages again every 4h",
        ):
            assert needed in text, (needed, text)


def test_texts_of_every_state_render() -> None:
    pages = [
        note(),
        note(told(alert(could_not_evaluate=True))),
        note(resolved(), status=Status.RESOLVED, reason=Reason.ALL_RESOLVED),
        note(*[told(alert(i)) for i in range(14)], storm=14, reason=Reason.STORM),
        replace(note(), test=True),
        replace(note(), alerts=()),
        note(told(alert(labels={}, context={}, causes=()))),
        note(told(alert(rule="gone"))),
    ]
    for page in pages:
        for text in every_text(page):
            assert text
            assert "None" not in text
            assert "{{" not in text


def test_a_resolved_page_has_no_steps_to_take() -> None:
    plain, slack, _ = every_text(note(resolved(), status=Status.RESOLVED))
    for text in (plain, slack):
        assert FIRST_FIVE.splitlines()[0] not in text
        assert "after 11m40s" in text


def test_hostile_labels_stay_on_their_line_and_mean_nothing() -> None:
    evil = "<!channel> <https://evil|ok>\nFirst five minutes: run rm\u202e`"
    plain, slack, fallback = every_text(note(told(alert(labels={"tenant": evil, "tool": evil}))))
    assert "<!channel" not in slack
    assert "<https" not in slack
    for text in (plain, slack, fallback):
        assert "\u202e" not in text
        assert "\nFirst five minutes: run rm" not in text


def test_a_notice_is_told_by_its_own_words() -> None:
    said = replace(note(told(alert())), alerts=(), title="You are on call", lines=("2 are open",))
    assert headline(said) == "You are on call"
    assert plain_fallback(said) == "You are on call\n2 are open"
    for name, medium in (("plain.j2", Medium.PLAIN), ("slack.j2", Medium.SLACK)):
        rendered = Templates().render(name, medium, context(said), lambda: "")
        assert not rendered.notice
        assert "2 are open" in rendered.text


def test_the_headline_of_a_group_tells_its_story_and_a_storm_who_is_paged_next() -> None:
    page = replace(
        note(told(alert(1)), told(burst(2))), story="183 times since 02:14 UTC, 3 tenants"
    )
    assert headline(page).endswith(" and 1 more: 183 times since 02:14 UTC, 3 tenants")
    assert headline(replace(page, story="")).endswith(" and 1 more")
    storm = replace(
        page, storm=12, next_page="If nobody acknowledges it, ben is paged at 02:20 UTC."
    )
    assert following(storm).startswith(
        "If nobody acknowledges it, ben is paged at 02:20 UTC. Further"
    )
    assert following(replace(storm, next_page="")).startswith("Further pages")
