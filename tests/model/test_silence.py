"""A silence's state follows from time alone."""

from rulesd.model.silence import Silence, SilenceMatcher, SilenceState


def silence(**fields: object) -> Silence:
    values: dict[str, object] = {
        "id": "s1",
        "matchers": (SilenceMatcher(name="tool", value="shell"),),
        "starts_at": 10,
        "ends_at": 20,
        "updated_at": 5,
        "created_by": "ana",
        "comment": "planned",
    }
    return Silence(**{**values, **fields})  # type: ignore[arg-type]


def test_pending_then_active_then_expired() -> None:
    one = silence()
    assert [one.state(at) for at in (9, 10, 19, 20)] == [
        SilenceState.PENDING,
        SilenceState.ACTIVE,
        SilenceState.ACTIVE,
        SilenceState.EXPIRED,
    ]
