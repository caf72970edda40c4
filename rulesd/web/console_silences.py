"""The console's silences: who holds what back until when, what it hides now, what waits for a second person; and their buttons.

Law: shows what the API shows and does what the API does, under the name and the limits of the token that logged in. Nothing is silenced
before what it would have hidden was shown.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aiohttp import web

from rulesd.core.silence import NEVER_LONGEST
from rulesd.core.silence_state import Did
from rulesd.core.switch_guard import same_person
from rulesd.model.duration import format_duration
from rulesd.model.instant import Instant, format_instant
from rulesd.model.silence import SilenceState
from rulesd.ports.daemon import Done
from rulesd.ports.silences import Preview, SilenceView
from rulesd.web import console_silence_form as forms
from rulesd.web.alerts import find as find_alert
from rulesd.web.answers import Refused
from rulesd.web.console_said import back, once, said_before
from rulesd.web.console_silence_form import Form
from rulesd.web.door import Door
from rulesd.web.guard import caller
from rulesd.web.login import login_page, read_form
from rulesd.web.pages import ago, render
from rulesd.web.silence_body import written
from rulesd.web.silences import LOOK_BACK, accept, find, mine, read
from rulesd.web.tokens import Scope, Token

MOST = 100
"Silences that are pending or active; the command line shows all."

MOST_OVER = 20
MOST_SHARES = 12
PAGE = "/silences"


async def get_silences(door: Door, request: web.Request) -> web.Response:
    """The inventory."""
    token = caller(door, request)
    if token is None or not token.may(Scope.READ):
        return login_page(door, request)
    now = door.daemon.now()
    views = await door.daemon.silence_views(mine(token))
    rows = [row(view, now, token) for view in views]
    live = sorted((r for r in rows if r["state"] != "expired"), key=_urgency)
    over = [r for r in rows if r["state"] == "expired"]
    page = render(
        "silences.html",
        title="Silences",
        name=token.name,
        tenant=token.tenant,
        now=format_instant(now),
        version=door.settings.version,
        said=said_before(request),
        may_ack=token.may(Scope.ACK),
        live=live[:MOST],
        over=over[:MOST_OVER],
        more=max(len(live) - MOST, 0),
        waiting=sum(r["waits"] for r in live),
    )
    return once(request, page)


def _urgency(shown: Mapping[str, Any]) -> tuple[bool, bool, int]:
    """What needs somebody first, then what is in force, then what ends soonest."""
    return not shown["waits"], shown["state"] != "active", shown["order"]


def row(view: SilenceView, now: Instant, token: Token) -> dict[str, Any]:
    """A silence as the page shows it."""
    record, silence = view.record, view.record.silence
    state = silence.state(now)
    open_ = state is not SilenceState.EXPIRED
    never = sum(view.unapplied.values())
    long = silence.ends_at - silence.starts_at > NEVER_LONGEST
    wrote = (
        silence.created_by,
        *(a.by for a in record.acts if a.did in (Did.CREATED, Did.UPDATED)),
    )
    windows = ""
    if silence.cron:
        windows = (
            f"{format_duration(silence.lasts)} from {silence.cron} ({silence.timezone or 'UTC'})"
        )
    return {
        "id": silence.id,
        "state": str(state),
        "order": silence.ends_at,
        "matchers": [written(m) for m in silence.matchers],
        "by": silence.created_by,
        "comment": silence.comment,
        "when": _when(state, silence.starts_at, silence.ends_at, now),
        "ends_at": _clock(silence.ends_at),
        "windows": windows,
        "end_on_resolve": silence.end_on_resolve,
        "hides": sorted(view.hides.items()),
        "hides_now": sum(view.hides.values()),
        "held_back": record.held_back,
        "last": f"{ago(record.last_held, now)} ago" if record.last_held else "",
        "never": never,
        "never_rules": sorted(view.unapplied),
        "long": long,
        "waits": open_ and bool(never) and not silence.approved_by and not long,
        "approved_by": silence.approved_by,
        "own": any(same_person(by, token.name) for by in wrote),
        "approvable": open_ and not silence.approved_by and not long,
    }


def _when(state: SilenceState, starts: Instant, ends: Instant, now: Instant) -> str:
    if state is SilenceState.PENDING:
        return f"begins in {ago(now, starts)}"
    return (
        f"{ago(now, ends)} left" if state is SilenceState.ACTIVE else f"ended {ago(ends, now)} ago"
    )


def _clock(at: Instant) -> str:
    return format_instant(at)[:16].replace("T", " ") + " UTC"


# ---------------------------------------------------------------------- a new one


async def get_new(door: Door, request: web.Request) -> web.Response:
    """An empty form."""
    token = caller(door, request)
    if token is None or not token.may(Scope.ACK):
        return login_page(door, request)
    return _form(token, Form())


async def get_about(door: Door, request: web.Request) -> web.Response:
    """The form filled in for one alert, with what that would hide."""
    token = caller(door, request)
    if token is None or not token.may(Scope.ACK):
        return login_page(door, request)
    try:
        alert = find_alert(door, request.match_info["id"], token)
    except Refused:
        return back("That alert is no longer there: nothing was silenced.")
    return await _look(door, token, forms.about(alert, token.tenant))


async def post_new(door: Door, request: web.Request) -> web.Response:
    """``do``: ``make`` it, once what it hides was shown for what stands in the form; else show that."""
    token = _may(door, request)
    fields = await read_form(door, request)
    form = forms.read(fields)
    if fields.get("do") != "make":
        return await _look(door, token, form)
    if not form.looked:
        return await _look(
            door, token, form, "You changed it. Look at what it hides now, then silence."
        )
    try:
        silence = read(door, form.body(), token)
        silence = replace(silence, created_by=token.name)
        made = accept(await door.daemon.set_silence(silence, token.name, whole=True))
    except Refused as refused:
        return await _look(door, token, form, _sentence(refused))
    views = await door.daemon.silence_views(lambda s: s.id == made)
    return back(_made(views[0], door.daemon.now()) if views else "Silenced.", PAGE)


def _made(view: SilenceView, now: Instant) -> str:
    ends, count = view.record.silence.ends_at, sum(view.hides.values())
    hides = "it holds nothing back right now"
    if count:
        hides = f"it holds back {_alerts(count)} now"
    words = f"Silenced until {_clock(ends)} ({ago(now, ends)}): {hides}."
    never = sum(view.unapplied.values())
    if never:
        goes = "goes" if never == 1 else "go"
        words += f" {_alerts(never)} of must-never-happen rules {goes} on paging until a second person approves it."
    return words


async def _look(door: Door, token: Token, form: Form, problem: str = "") -> web.Response:
    """The form, with what it would have hidden last week."""
    try:
        silence = read(door, form.body("preview"), token)
        accept(door.daemon.check_silence(silence))
    except Refused as refused:
        return _form(token, form, problem or _sentence(refused))
    now = door.daemon.now()
    preview = await door.daemon.preview_silence(silence, now - LOOK_BACK)
    long = silence.ends_at - silence.starts_at > NEVER_LONGEST
    return _form(token, form, problem, _foresight(preview, now, long))


def _form(
    token: Token, form: Form, problem: str = "", preview: Mapping[str, Any] | None = None
) -> web.Response:
    return render(
        "silence_new.html",
        200,
        title="Silence",
        name=token.name,
        tenant=token.tenant,
        problem=problem,
        matchers=form.matchers,
        rows=min(max(form.matchers.count("\n") + 1, 3), 12),
        comment=form.comment,
        end_on_resolve=form.end_on_resolve,
        lengths=form.lengths(),
        preview=preview,
    )


def _foresight(preview: Preview, now: Instant, long: bool) -> dict[str, Any]:
    """A preview as the page shows it."""
    shares = [
        {
            "rule": share.rule,
            "owner": share.owner,
            "pages": share.pages,
            "last": f"{ago(max(page.at for page in share.examples), now)} ago"
            if share.examples
            else "",
        }
        for share in preview.shares[:MOST_SHARES]
    ]
    return {
        "pages": preview.pages,
        "back": "the last 7 days"
        if preview.complete
        else f"the {ago(preview.since, now)} on record",
        "shares": shares,
        "more": max(len(preview.shares) - MOST_SHARES, 0),
        "shortened": preview.shortened,
        "never": preview.unapplied,
        "long": long,
        "now": sorted(preview.now.items()),
        "now_count": sum(preview.now.values()),
    }


# ---------------------------------------------------------------------- buttons


async def post_act(door: Door, request: web.Request) -> web.Response:
    """Approve or expire one; then back to the list, which says what came of it."""
    token = _may(door, request)
    id_, verb = request.match_info["id"], request.match_info["act"]
    if verb not in ("approve", "expire"):
        raise web.HTTPNotFound
    await read_form(door, request)
    try:
        before = find(door, id_, token)
        if verb == "approve":
            accept(await door.daemon.approve_silence(id_, token.name))
            words = f"Approved: it holds back must-never-happen alerts, too, until {_clock(before.ends_at)}."
            if before.approved_by:
                words = f"{before.approved_by} has approved it already."
        else:
            done = await door.daemon.expire_silence(id_, token.name)
            words = "Ended: what it held back may page again."
            if done is Done.ALREADY:
                words = "It was over already."
    except Refused as refused:
        words = _sentence(refused)
    return back(words, PAGE)


def _may(door: Door, request: web.Request) -> Token:
    """Who pressed. Raises ``Refused`` (403)."""
    token = caller(door, request)
    if token is None or not token.may(Scope.ACK):
        raise Refused(403, "forbidden", "log in with a token that has the scope ack")
    return token


def _sentence(refused: Refused) -> str:
    return refused.message[:1].upper() + refused.message[1:].rstrip(".") + "."


def _alerts(count: int) -> str:
    return f"{count} alert{'' if count == 1 else 's'}"
