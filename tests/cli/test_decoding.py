import orjson

from rulesd.cli.decoding import offline_decoder, recorded_decoder
from rulesd.model.event import Event

RAW = orjson.dumps(
    {
        "specversion": "1.0",
        "id": "1",
        "source": "/s",
        "type": "tool.call",
        "tenant": "liar",
        "data": {"odd": "some free text"},
    }
)


def test_the_vouched_tenant_wins_and_text_is_masked_the_same_way_every_time() -> None:
    one, two = (offline_decoder()(RAW, 5, "acme") for _ in range(2))
    assert isinstance(one, Event)
    assert (one.tenant, one.document["tenant_claimed"]) == ("acme", "liar")
    assert one == two
    assert b"free text" not in orjson.dumps(one.document)


def test_a_recording_tells_its_own_time() -> None:
    _, now = recorded_decoder().recorded(RAW, now=7)
    assert now == 7
