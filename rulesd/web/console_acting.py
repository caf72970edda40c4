"""The console's part about acting: what is contained now, what waits for a verdict, which releases are watched; and its buttons.

Law: shows what the API shows and does what the API does, under the name and the limits of the token that logged in.
"""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from rulesd.core.reviews import VERDICTS, Review
from rulesd.core.switch_state import where
from rulesd.model.event import Json
from rulesd.model.instant import format_instant
from rulesd.model.rollout import Finding, Rollout
from rulesd.model.switch import Setting, SettingState
from rulesd.ports.acting import Completed
from rulesd.web import reviews, rollouts, switches
from rulesd.web.answers import Refused
from rulesd.web.console_said import back
from rulesd.web.contained import contained
from rulesd.web.door import Door
from rulesd.web.guard import caller
from rulesd.web.login import read_form
from rulesd.web.pages import ago
from rulesd.web.small_body import text
from rulesd.web.tokens import Scope, Token

MOST = 50
"Rows of a kind; the command line shows all."

_STATES = {
    SettingState.ACTIVE: "contained",
    SettingState.PENDING: "waits for approval",
    SettingState.TRIAL: "on trial, without effect",
}


def acting_part(door: Door, token: Token, now: int) -> dict[str, Any]:
    """What the template needs."""
    acting = door.daemon.acting
    settings = [s for s in acting.settings() if switches.visible(s, token)]
    open_ = [r for r in acting.reviews() if r.closed_at is None and reviews.visible(r, token)]
    watched = [
        _watch(rollout, finding, now)
        for rollout, finding in acting.rollouts()
        if rollouts.visible(rollout, token) and not rollout.over
    ]
    return {
        "settings": [_setting(s, now) for s in settings[:MOST]],
        "reviews": [_review(r, now) for r in open_[:MOST]],
        "watched": watched[:MOST],
        "more_settings": max(len(settings) - MOST, 0),
        "more_reviews": max(len(open_) - MOST, 0),
        "humans_only": acting.humans_only,
        "may_act": token.may(Scope.SWITCH),
        "may_approve": token.may(Scope.SWITCH) and not token.tenant,
    }


def _setting(setting: Setting, now: int) -> dict[str, Any]:
    ends = "until a review" if setting.until == "review" else "until its alert resolves"
    if setting.expires_at is not None:
        ends = f"ends in {ago(now, setting.expires_at)}"
    return {
        "id": setting.id,
        "state": _STATES[setting.state],
        "waits": setting.state is SettingState.PENDING,
        "key": setting.key,
        "switch": setting.switch,
        "value": switches.plain(setting.value),
        "where": where(setting),
        "ends": ends,
        "ends_at": "" if setting.expires_at is None else format_instant(setting.expires_at),
        "by": setting.by,
        "reason": setting.reason,
        "ago": ago(setting.set_at, now),
        "result": setting.result,
    }


def _review(review: Review, now: int) -> dict[str, Any]:
    late = review.due_at <= now or review.told > 0
    return {
        "id": review.id,
        "rule": review.alert.rule,
        "severity": review.alert.severity,
        "labels": sorted(review.alert.labels.items()),
        "locked": review.locked,
        "late": late,
        "due": "overdue" if late else f"due in {ago(now, review.due_at)}",
        "owner": review.alert.owner,
        "next": review.next,
        "by": review.by,
    }


def _watch(rollout: Rollout, finding: Finding, now: int) -> dict[str, Any]:
    versions = " -> ".join(v for v in (rollout.from_version, rollout.to_version) if v)
    return {
        "id": rollout.id,
        "what": " ".join(w for w in (rollout.kind, rollout.component, versions) if w),
        "verdict": str(finding.verdict),
        "says": [*finding.failures, *finding.missing],
        "ends": f"{ago(now, rollout.ends_at)} left",
        "owner": rollout.owner,
        "signed_by": rollout.signed_by,
    }


# ---------------------------------------------------------------------- buttons


async def post_setting(door: Door, request: web.Request) -> web.Response:
    """Revert or approve a setting; then back to the front page, which says what came of it."""
    token, fields = await _pressed(door, request)
    if request.match_info["act"] not in ("approve", "revert"):
        raise web.HTTPNotFound
    id_, acting = request.match_info["id"], door.daemon.acting
    rows = (*acting.settings(), *acting.history())
    if not any(s.id == id_ and switches.visible(s, token) for s in rows):
        return back("That is not set, and has not been lately.")
    if request.match_info["act"] == "approve":
        if token.tenant:
            raise Refused(403, "forbidden", "a token of one tenant cannot approve")
        return back(contained(await acting.approve(id_, token.name)))
    most = door.settings.limits.note_chars
    reason = text(fields, "reason", most=most) or "reverted on the console"
    return back(contained(await acting.revert(id_, token.name, reason)))


async def post_review(door: Door, request: web.Request) -> web.Response:
    """Give a verdict; ``harm`` needs what must happen next."""
    token, fields = await _pressed(door, request)
    id_, verdict = request.match_info["id"], text(fields, "verdict", most=20)
    most = door.settings.limits.note_chars
    note, next_ = text(fields, "note", most=most), text(fields, "next", most=most)
    if verdict not in VERDICTS:
        raise Refused(400, "invalid_value", f"verdict must be one of {', '.join(VERDICTS)}")
    if verdict == "harm" and not next_:
        return back("Nothing was done: say what must happen before the lock may go.")
    acting = door.daemon.acting
    if not any(r.id == id_ and reviews.visible(r, token) for r in acting.reviews()):
        return back("There is no such review.")
    done = await acting.complete(id_, token.name, verdict, note, next_)
    if done is not Completed.DONE:
        return back("Somebody has completed it already.")
    what = "stays locked" if verdict == "harm" else "is released"
    return back(f"Completed as {verdict}: what it held {what}.")


async def _pressed(door: Door, request: web.Request) -> tuple[Token, Mapping[str, Json]]:
    """Who pressed, and what the form says. Raises ``Refused`` (403)."""
    token = caller(door, request)
    if token is None or not token.may(Scope.SWITCH):
        raise Refused(403, "forbidden", "log in with a token that has the scope switch")
    return token, dict(await read_form(door, request))
