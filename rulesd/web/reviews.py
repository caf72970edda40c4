"""Review items over HTTP: what waits for a verdict, and giving one.

Law: a verdict is recorded under a name; giving it twice is fine, another one after the end is refused. A token of one tenant sees only its own.
"""

from aiohttp import web

from rulesd.core.reviews import VERDICTS, Review
from rulesd.model.event import Json
from rulesd.model.instant import format_instant
from rulesd.ports.acting import Completed
from rulesd.web.alerts import signed, tenant_of
from rulesd.web.answers import Refused, answer
from rulesd.web.door import Door
from rulesd.web.small_body import read_object, text
from rulesd.web.tokens import Token


async def list_reviews(door: Door, request: web.Request, token: Token) -> web.Response:
    """Open items, the most urgent first; ``state=closed`` and ``state=all`` show the others."""
    wanted = request.query.get("state", "open")
    rows: list[Json] = [
        _shown(r)
        for r in door.daemon.acting.reviews()
        if visible(r, token) and wanted in ("all", _state(r))
    ]
    return answer({"reviews": rows})


async def complete(door: Door, request: web.Request, token: Token) -> web.Response:
    """``POST /v1/reviews/{id}/complete``: ``{"verdict": "benign|fixed|harm", "note", "next"}``."""
    fields = await read_object(door, request)
    most = door.settings.limits.note_chars
    verdict = text(fields, "verdict", most=20, required=True)
    if verdict not in VERDICTS:
        raise Refused(400, "invalid_value", f"verdict must be one of {', '.join(VERDICTS)}")
    next_ = text(fields, "next", most=most)
    if verdict == "harm" and not next_:
        raise Refused(
            400, "missing_field", "next is missing. Say what must happen before it is over"
        )
    id_ = request.match_info["id"]
    if not any(r.id == id_ and visible(r, token) for r in door.daemon.acting.reviews()):
        raise _unknown()
    by = signed(text(fields, "by", most=100), token)
    note = text(fields, "note", most=most)
    done = await door.daemon.acting.complete(id_, by, verdict, note, next_)
    if done is Completed.UNKNOWN:
        raise _unknown()
    if done is Completed.ALREADY:
        _same(door, id_, verdict)
    return answer({"review": id_, "result": str(done)})


def _same(door: Door, id_: str, verdict: str) -> None:
    """A closed review keeps its verdict: to call another one done would say of a released lock that it holds. Raises ``Refused`` (409)."""
    for one in door.daemon.acting.reviews():
        if one.id == id_ and one.closed_at is not None and one.verdict != verdict:
            ended = f"it was completed as {one.verdict} by {one.by} at {format_instant(one.closed_at)}, and stays so"
            hint = "What must be contained again: rulesd switch set"
            raise Refused(409, "already_completed", f"{ended}. {hint}")


def visible(review: Review, token: Token) -> bool:
    """Whether a token may see a review: its tenant's, or all."""
    return not token.tenant or tenant_of(review.alert) == token.tenant


def _state(review: Review) -> str:
    return "open" if review.closed_at is None else "closed"


def _unknown() -> Refused:
    return Refused(404, "unknown_review", "there is no such review. See: rulesd review list")


def _shown(review: Review) -> dict[str, Json]:
    alert = review.alert
    return {
        "review": review.id,
        "state": _state(review),
        "alert": alert.alert,
        "rule": alert.rule,
        "labels": dict(alert.labels),
        "severity": alert.severity,
        "owner": alert.owner,
        "opened_at": format_instant(review.opened_at),
        "due_at": format_instant(review.due_at),
        "locked": review.locked,
        "verdict": review.verdict,
        "by": review.by,
        "note": review.note,
        "next": review.next,
        "closed_at": None if review.closed_at is None else format_instant(review.closed_at),
    }
