from rulesd.core.episode import FIRST_CAUSES, LAST_CAUSES, Episode
from rulesd.model.reasons import AlertState
from tests.core.plans import field, rule


def test_evidence_is_bounded_to_the_first_and_the_latest() -> None:
    episode = Episode(episode="a", at=0, since=0, now=0)
    for n in range(100):
        episode.add_cause(f"e{n}")
    episode.add_cause("e99")  # the same one again
    episode.add_cause("")
    assert len(episode.causes) == FIRST_CAUSES + LAST_CAUSES
    assert episode.causes[:5] == ["e0", "e1", "e2", "e3", "e4"]
    assert episode.causes[-1] == "e99"


def test_context_shows_only_what_is_known_and_never_hides_identity() -> None:
    episode = Episode(episode="a", at=0, since=0, now=0)
    episode.state = AlertState.FIRING
    episode.context = {"model": "m1", "tenant": "other"}
    episode.detail = {"value": "new"}
    told = episode.alert(
        rule(context=(field("model"), field("tenant"), field("route"))), {"tenant": "acme"}, "f"
    )
    assert told.context == {"model": "m1", "value": "new"}


def test_it_is_written_and_read_back() -> None:
    episode = Episode(episode="a", at=3, since=2, now=4)
    episode.state = AlertState.PENDING
    episode.add_cause("e")
    episode.context = {"model": "m"}
    again = Episode.load(episode.dump())
    assert again.dump() == episode.dump()
    assert again.state is AlertState.PENDING
    again.add_cause("f")
    assert episode.causes == ["e"]


def test_a_checkpoint_of_before_spans_were_kept_is_read() -> None:
    episode = Episode(episode="a", at=3, since=2, now=4)
    episode.state, episode.until = AlertState.PENDING, 9
    written = episode.dump()
    for name in ("spans", "shown"):
        del written[name]
    written["pending_since"] = 3
    again = Episode.load(written)
    assert (again.spans, again.shown, again.until) == ([3, 9], 0, 9)
