"""Read the tenant off an MQTT topic.

Law: the tenant is the topic level under the subscription's first ``+``; the broker's access list vouches for it, so it
wins over what an event says of itself. A level that could not be a tenant's name makes the message one rejection.
"""

from collections.abc import Sequence

from rulesd.privacy.redact import label_like

_TABLE_LIMIT = 10_000


class Topics:
    """The subscriptions of one source, and the tenants of the topics they deliver."""

    def __init__(self, filters: Sequence[str]) -> None:
        """Take the topic filters subscribed to (``$share/<group>/`` is not part of the topic)."""
        self.filters = tuple(filters)
        self._levels = [_levels_of(one) for one in filters]
        self._known: dict[str, str | None] = {}

    def tenant(self, topic: str) -> str | None:
        """The tenant of a topic, empty when the subscription has no ``+``; ``None`` when it is no name."""
        try:
            return self._known[topic]
        except KeyError:
            tenant = self._read(topic)
            if len(self._known) >= _TABLE_LIMIT:
                self._known.clear()
            self._known[topic] = tenant
            return tenant

    def _read(self, topic: str) -> str | None:
        levels = topic.split("/")
        for wanted in self._levels:
            if _matches(wanted, levels):
                if "+" not in wanted:
                    return ""
                tenant = levels[wanted.index("+")]
                return tenant if tenant and label_like(tenant) else None
        return None


def _levels_of(topic_filter: str) -> list[str]:
    levels = topic_filter.split("/")
    return levels[2:] if levels[0] == "$share" else levels


def _matches(wanted: Sequence[str], levels: Sequence[str]) -> bool:
    """MQTT's matching: ``+`` is one level, ``#`` the rest, which may be nothing."""
    if wanted and wanted[-1] == "#":
        wanted = wanted[:-1]
        if len(levels) < len(wanted):
            return False
    elif len(levels) != len(wanted):
        return False
    return all(want in ("+", level) for want, level in zip(wanted, levels, strict=False))
