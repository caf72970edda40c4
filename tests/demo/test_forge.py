"""Made events are CloudEvents, and the same ones for the same seed."""

from rulesd.demo.forge import Forge

AT = 1_767_000_000.25


def test_an_event_is_a_cloud_event() -> None:
    made = Forge(1).event("tool.call", AT, {"tool": "x"}, tenant="acme", service="svc")
    assert made["specversion"] == "1.0"
    assert made["type"] == "ai.safety.tool.call.v1"
    assert made["time"] == "2025-12-29T09:20:00.250Z"
    assert (made["source"], made["tenant"]) == ("/svc/svc", "acme")
    assert made["data"] == {"service": "svc", "env": "production", "tool": "x"}


def test_without_a_tenant_it_names_none() -> None:
    assert "tenant" not in Forge(1).event("heartbeat", AT, {})


def test_the_seed_decides_the_ids() -> None:
    ids = [[Forge(seed).event("a", AT, {})["id"] for _ in range(3)] for seed in (1, 1, 2)]
    assert ids[0] == ids[1] != ids[2]
    one = Forge(1)
    assert len({one.event("a", AT, {})["id"] for _ in range(1000)}) == 1000
