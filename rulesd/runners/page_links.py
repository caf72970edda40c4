"""The addresses that stand in pages; every one empty without ``external_url``.

Law: a link in a page opens what the page is about and nothing else; it carries no secret but its own signature.
"""

from collections.abc import Callable

from rulesd.web.links import Links


class PageLinks:
    """Implements ``rulesd.notify.compose.Links``."""

    def __init__(self, external_url: str, now: Callable[[], int]) -> None:
        """The signing key comes later, from the store."""
        self.external_url = external_url
        self.signed: Links | None = None
        self._now = now

    def runbook(self, rule_id: str) -> str:
        """A signed link, good for seven days."""
        return self.signed.runbook(rule_id, self._now()) if self.signed else ""

    def alert(self, alert_id: str) -> str:
        """The console's page of one alert."""
        return f"{self.external_url}/#{alert_id}" if self.external_url else ""
