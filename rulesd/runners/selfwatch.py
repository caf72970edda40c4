"""rulesd watches itself: what would make it silent becomes an event of its own, and so a page by the same line.

Law: one event when a probe turns bad, one every ten minutes while it stays bad, one when it is well again. The built-in rules
(``rulesd/config/builtin``) say who hears of it. What the line itself cannot carry (the disk is full, so nothing can be committed)
goes out by ``emergency``, straight to the receiver, without the journal.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rulesd.model.event import Event, Json
from rulesd.model.fingerprint import digest64
from rulesd.model.instant import MINUTE, Instant, format_instant

SOURCE = "/rulesd"
"The CloudEvents source of rulesd's own events."

REPEAT = 10 * MINUTE


@dataclass(frozen=True, slots=True)
class Probe:
    """One thing that must be well."""

    component: str
    "Its name in ``data.component``: ``outbox``, ``receiver``, ``source`` ..."

    check: Callable[[], Mapping[str, str]]
    "By subject (a receiver's name, a source's name): what is wrong, as a label such as ``stuck``. Empty when all is well."


class SelfWatch:
    """Turns probes into events."""

    def __init__(self, probes: list[Probe]) -> None:
        """Nothing is bad yet."""
        self._probes = probes
        self._bad: dict[tuple[str, str], tuple[str, Instant]] = {}

    def look(self, now: Instant) -> list[Event]:
        """Ask every probe; the events that say what changed."""
        events: list[Event] = []
        for probe in self._probes:
            bad = dict(probe.check())
            for subject, status in sorted(bad.items()):
                known = self._bad.get((probe.component, subject))
                if known is None or known[0] != status or now - known[1] >= REPEAT:
                    self._bad[probe.component, subject] = (status, now)
                    events.append(self._event(probe.component, subject, status, now))
            for component, subject in sorted(self._bad):
                if component == probe.component and subject not in bad:
                    del self._bad[component, subject]
                    events.append(self._event(component, subject, "ok", now))
        return events

    def again(self, events: list[Event]) -> None:
        """These could not be taken: ask as if they had never been told."""
        for event in events:
            data = event.document["data"]
            assert isinstance(data, dict)
            place = (str(data["component"]), str(data["subject"]))
            if data["status"] == "ok":
                self._bad.setdefault(place, ("", 0))
            else:
                self._bad.pop(place, None)

    @staticmethod
    def _event(component: str, subject: str, status: str, now: Instant) -> Event:
        id_ = f"{component}-{subject}-{status}-{now}"
        data: dict[str, Json] = {
            "component": component,
            "kind": "self",
            "status": status,
            "subject": subject,
        }
        document: dict[str, Json] = {
            "specversion": "1.0",
            "id": id_,
            "source": SOURCE,
            "type": "heartbeat",
            "time": format_instant(now),
            "data": data,
        }
        key = digest64("", SOURCE, id_)
        return Event(id_, SOURCE, "heartbeat", "", now, document, key, key)
