"""The line end to end: an event posted, a page at the receiver, over kill -9 and back."""

from pathlib import Path

from tests.integration.daemon import (
    Daemon,
    Receiver,
    decision_log,
    event,
    first_difference,
    journaled_ids,
    paging,
    replayed_log,
)


def test_one_event_is_one_page_also_after_kill_and_resending(tmp_path: Path) -> None:
    with Receiver() as receiver, Daemon(tmp_path, notifiers=paging(receiver.url())) as daemon:
        batch = [event("e1", tool="shell", scope="out"), event("e2", tool="shell", scope="in")]
        assert daemon.post(batch).json() == {"accepted": 2, "duplicates": 0, "rejected": []}
        page = receiver.wait(1)[0]
        (alert,) = page.alerts
        assert alert["owner"] == "safety"
        assert alert["causes"] == ["e1"]
        assert alert["summary"] == "shell did it"
        daemon.restart()
        assert daemon.post(batch).json() == {"accepted": 0, "duplicates": 2, "rejected": []}
        assert daemon.post([event("e3", tool="browser", scope="out")]).status == 202
        receiver.wait(2)
        assert daemon.stop() == 0
        # Killed between the receiver's answer and the note of it, a page is sent once more, under the same key.
        once = {p.key: p for p in receiver.pages}.values()
        assert [p.alerts[0]["causes"] for p in once] == [["e1"], ["e3"]]
        assert journaled_ids(daemon.state) == ["e1", "e2", "e3"]
        live, again = decision_log(daemon.state), replayed_log(daemon.state)
        assert live
        assert not first_difference(live, again)


def test_counters_add_up(tmp_path: Path) -> None:
    with Receiver() as receiver, Daemon(tmp_path, notifiers=paging(receiver.url())) as daemon:
        lines = [event(f"e{n}", tool="t", scope="out" if n % 10 == 0 else "in") for n in range(100)]
        daemon.post(lines)
        daemon.post([*lines[:30], b"{broken", b"[1]"])
        outcomes = {
            o: daemon.total("rulesd_events_total", outcome=o)
            for o in ("matched", "unmatched", "duplicate", "rejected")
        }
        assert outcomes == {"matched": 10, "unmatched": 90, "duplicate": 30, "rejected": 2}
        assert daemon.total("rulesd_events_in_flight") == 0
        assert daemon.total("rulesd_rejected_total") == 2
