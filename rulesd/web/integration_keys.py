"""The secrets with which Slack and PagerDuty sign their calls, as receivers.yaml names them.

Law: opened once for a plan, not once for a call. One that cannot be opened is named in the log and keeps no other from working.
"""

import logging
from collections.abc import Iterator, Mapping

from aiohttp import hdrs

from rulesd.core.plan import Plan, Receiver
from rulesd.model.errors import RulesdError
from rulesd.model.event import Json
from rulesd.web.answers import Refused
from rulesd.web.settings import WebSettings

log = logging.getLogger("rulesd.web")


class IntegrationKeys:
    """The signing secrets of all channels of one kind."""

    def __init__(self, settings: WebSettings, kind: str) -> None:
        """``kind``: ``slack`` or ``pagerduty``."""
        self._settings, self._kind = settings, kind
        self._of: Mapping[str, Receiver] | None = None
        self._keys: tuple[bytes, ...] = ()
        self._named = False

    def keys(self, plan: Plan) -> tuple[bytes, ...]:
        """Every secret a call may be signed with.

        Raises:
            Refused: 404 when no channel names a signing secret, 503 when none of them can be opened.
        """
        if plan.receivers is not self._of:
            references = list(dict.fromkeys(map(_frozen, self._references(plan))))
            found = [key for one in references if (key := self._open(dict([one])))]
            self._keys, self._named = tuple(found), bool(references)
            # With some that cannot be opened the next call tries again: the secret may be there by then.
            self._of = plan.receivers if len(found) == len(references) else None
        if not self._named:
            raise Refused(
                404,
                "not_configured",
                f"no channel of kind {self._kind} in receivers.yaml has a signing_secret. Add one",
            )
        if not self._keys:
            raise Refused(
                503,
                "integration_unavailable",
                "the signing secret cannot be had; the daemon's log says why",
                headers={hdrs.RETRY_AFTER: "60"},
            )
        return self._keys

    def _references(self, plan: Plan) -> Iterator[Mapping[str, Json]]:
        for receiver in plan.receivers.values():
            for channel in receiver.channels:
                given = channel.settings.get("signing_secret")
                if channel.kind != self._kind or not given:
                    continue
                many = given if isinstance(given, list) else [given]
                yield from (one for one in many if isinstance(one, dict))

    def _open(self, reference: Mapping[str, Json]) -> bytes:
        try:
            return self._settings.resolve_secret(dict(reference)).strip().encode()
        except (RulesdError, LookupError, OSError) as error:
            # Texts of these errors name references and files, never a secret.
            log.error("signing secret of %s cannot be used: %s", self._kind, error)  # noqa: TRY400
            return b""


def _frozen(reference: Mapping[str, Json]) -> tuple[str, Json]:
    return next(iter(reference.items()))
