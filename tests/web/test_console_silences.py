"""The console's silences, against the real engine, crank and store."""

import html
import re
from collections.abc import Awaitable, Callable
from typing import Any

from rulesd.model.instant import MINUTE
from rulesd.runners.crank import Crank
from rulesd.web.tokens import Scope
from tests.runners.room import Room, denied, in_room, out_of_scope
from tests.runners.test_silencing import PLAN
from tests.web.browsing import OWN, get, log_in, press
from tests.web.fakes import World, opened

ACME = {"matchers": ['tenant="acme"'], "for": "1h", "comment": "planned <b>"}
Story = Callable[[Room, World], Awaitable[None]]


def tell(story: Story) -> Room:
    async def run(room: Room) -> None:
        async with opened(room.daemon) as world:  # type: ignore[arg-type]
            await story(room, world)

    return in_room(run, made=PLAN)


async def as_person(world: World, name: str, *scopes: Scope, tenant: str = "") -> None:
    made = await world.token(name, *scopes, tenant=tenant)
    await press(world, "/logout")
    await log_in(world, made["Authorization"].removeprefix("Bearer "))


async def fire(room: Room) -> None:
    """One ordinary alert that pages, and one that must never happen."""
    await room.send(*[denied(n) for n in range(3)], out_of_scope("x"))
    room.clock.at += MINUTE
    assert isinstance(room.crank, Crank)
    room.crank._wake()


async def send(world: World, form: dict[str, str], **headers: str) -> tuple[int, str]:
    """Send the form; status and the words of the page it becomes, or of the one it leads to."""
    async with world.nobody.post(
        "/console/silences", data=form, headers={**OWN, **headers}, allow_redirects=False
    ) as response:
        status, page = response.status, await response.text()
        if status == 303:
            _, page = await get(world, response.headers["Location"])
    return status, words(page)


def words(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


async def look(world: World, path: str = "/silences") -> str:
    status, page = await get(world, path)
    assert status == 200
    return words(page)


async def make(world: World, **fields: Any) -> str:
    async with world.admin.post("/v1/silences", json={**ACME, **fields}) as response:
        said = await response.json()
        assert response.status == 200, said
        return str(said["id"])


def test_who_holds_what_back_until_when_and_what_waits() -> None:
    async def story(room: Room, world: World) -> None:
        await as_person(world, "jo", Scope.READ, Scope.ACK)
        assert "Nothing is silenced" in await look(world)
        await fire(room)
        await make(world, by="ana")
        await make(world, matchers=['tool="x"'], comment="nobody there", **{"for": "3d"})
        windows = {"cron": "0 3 * * *", "lasts": "2h", "timezone": "Europe/Berlin"}
        await make(world, matchers=['tool="y"'], windows=windows)
        await make(world, matchers=['tool="w"'], end_on_resolve=True)
        await make(world, matchers=['tool="z"'], starts_at="2027-01-01T00:00:00Z")
        over = await make(world, matchers=['tool="old"'], comment="was for nothing")
        await world.admin.post(f"/v1/silences/{over}/expire")
        said = await look(world)
        for part in (
            "5 silences, 1 waiting for a second person",
            "waits for approval 1 h left",
            "planned <b>",
            "Holds back 1 alert now: tool.denied",
            "1 alert pages all the same: tool.scope must never happen. It needs a second person.",
            "by ana (admin)",
            "until 2026-01-05 09:01 UTC",
            "Holds nothing back right now",
            "only 2h from 0 3 * * * (Europe/Berlin)",
            "ends when its alerts resolve",
            "begins in",
            "Over was for nothing",
            "never held anything back",
        ):
            assert part in said, part
        # What needs somebody comes first.
        assert said.index("planned <b>") < said.index("nobody there")

    tell(story)


def test_a_new_one_shows_what_it_would_have_hidden_before_it_can_be_made() -> None:
    async def story(room: Room, world: World) -> None:
        await fire(room)
        await as_person(world, "jo", Scope.READ, Scope.ACK)
        _, page = await get(world, "/silences/new")
        assert 'value="make"' not in page
        form = {"matchers": 'tenant="acme"', "for": "2h", "comment": "", "do": "preview"}
        status, said = await send(world, form)
        assert status == 200
        for part in (
            "It would have hidden 1 page in the",
            "1 tool.denied (owner safety, last",
            "Right now it hides 1 alert: tool.denied",
            "1 page of must-never-happen rules would have come all the same",
            "until a second person approves it",
        ):
            assert part in said, part
        assert "longer than 4 h" in (await send(world, {**form, "for": "8h"}))[1]
        # Making something else than what was shown shows it first.
        eager = {**form, "do": "make", "comment": "x", "seen": 'tenant="globex"'}
        status, said = await send(world, eager)
        assert (status, "Look at what it hides now" in said) == (200, True)
        assert room.daemon.silences(room.clock.at) == []
        status, said = await send(world, {**eager, "seen": 'tenant="acme"\r\n'})
        assert status == 303
        assert "Silenced until 2026-01-05 10:01 UTC (2 h): it holds back 1 alert now." in said
        assert "1 alert of must-never-happen rules goes on paging until" in said
        (made,) = room.daemon.silences(room.clock.at)
        assert (made.created_by, made.comment) == ("jo", "x")

    assert "silence" in tell(story).kinds()


def test_an_alert_fills_the_form() -> None:
    async def story(room: Room, world: World) -> None:
        await fire(room)
        await as_person(world, "jo", Scope.READ, Scope.ACK)
        (name,) = [a.alert for a in room.daemon.alerts() if a.rule == "tool.denied"]
        _, front = await get(world, "/")
        assert f'href="/silences/about/{name}"' in html.unescape(front)
        said = await look(world, f"/silences/about/{name}")
        assert 'alertname="tool.denied" tenant="acme"' in said
        assert "It would have hidden 1 page" in said
        await make(world, matchers=['alertname="tool.denied"'])
        said = await look(world, "/")
        assert "silenced: pages nobody" in said
        assert await get(world, "/silences/about/gone") == (303, "")
        assert "no longer there" in await look(world, "/")

    tell(story)


def test_a_second_person_approves_and_nobody_their_own() -> None:
    async def story(room: Room, world: World) -> None:
        await fire(room)
        await as_person(world, "jo", Scope.READ, Scope.ACK)
        form = {"matchers": 'tenant="acme"', "for": "1h", "comment": "x", "do": "make"}
        await send(world, {**form, "seen": form["matchers"]})
        (made,) = room.daemon.silences(room.clock.at)
        path = f"/console/silences/{made.id}"
        _, page = await get(world, "/silences")
        assert f"{path}/approve" not in html.unescape(page)
        assert "somebody else than jo" in words(page)
        assert await press(world, f"{path}/approve") == (303, "/silences")
        assert "cannot approve it. Ask somebody else" in await look(world)
        assert room.daemon.silences(room.clock.at)[0].approved_by == ""
        await as_person(world, "kim", Scope.READ, Scope.ACK)
        _, page = await get(world, "/silences")
        assert f"{path}/approve" in html.unescape(page)
        await press(world, f"{path}/approve")
        said = await look(world)
        assert "Approved: it holds back must-never-happen alerts, too" in said
        assert "Holds back 2 alerts now: tool.denied, tool.scope" in said
        await press(world, f"{path}/approve")
        assert "kim has approved it already" in await look(world)
        await press(world, f"{path}/expire")
        assert "Ended: what it held back may page again" in await look(world)
        await press(world, f"{path}/expire")
        assert "It was over already" in await look(world)
        await press(world, f"{path}/approve")
        assert "already expired. Make a new one" in await look(world)
        assert (await press(world, f"{path}/fly"))[0] == 404

    tell(story)


def test_one_too_long_cannot_be_approved_and_says_so() -> None:
    async def story(room: Room, world: World) -> None:
        await fire(room)
        id_ = await make(world, **{"for": "5h"}, by="ana")
        await as_person(world, "kim", Scope.READ, Scope.ACK)
        _, page = await get(world, "/silences")
        assert "longer than 4 h; no approval changes that" in words(page)
        assert "waits for approval" not in words(page)
        assert f"{id_}/approve" not in html.unescape(page)
        await press(world, f"/console/silences/{id_}/approve")
        assert "Shorten it first" in await look(world)

    tell(story)


def test_what_is_wrong_is_said_and_what_was_typed_stays() -> None:
    async def story(room: Room, world: World) -> None:
        await as_person(world, "jo", Scope.READ, Scope.ACK)
        for matchers, wrong in (
            ("", "would silence nothing"),
            ('tenant=~"("', "cannot be read"),
            ('tenant=~".*"', "must not match the empty string"),
        ):
            status, said = await send(world, {"matchers": matchers, "for": "1h", "do": "preview"})
            assert (status, wrong in said) == (200, True), said
        form = {"matchers": "tool=<b>x</b>", "seen": "tool=<b>x</b>", "for": "1h", "do": "make"}
        _, said = await send(world, form)
        assert "Comment is missing" in said
        assert "tool=<b>x</b>" in said
        _, said = await send(world, {**form, "for": "soon", "comment": "x"})
        assert "for is no duration" in said.replace("For", "for")
        assert room.daemon.silences(room.clock.at) == []

    tell(story)


def test_who_may() -> None:
    async def story(room: Room, world: World) -> None:
        await fire(room)
        theirs = await make(world, matchers=['tool="x"'])
        assert (await get(world, "/silences"))[0] == 401
        status, page = await get(world, "/silences/about/a1")
        assert status == 401
        assert 'value="/silences/about/a1"' in html.unescape(page)
        await as_person(world, "reader", Scope.READ)
        _, page = await get(world, "/silences")
        assert "End it now" not in page
        assert "New silence" not in page
        form = {"matchers": 'tenant="acme"', "seen": 'tenant="acme"', "for": "1h", "comment": "x"}
        assert (await send(world, {**form, "do": "make"}))[0] == 403
        assert (await press(world, f"/console/silences/{theirs}/expire"))[0] == 403
        assert (await get(world, "/silences/new"))[0] == 401
        await as_person(world, "acme", Scope.READ, Scope.ACK, tenant="acme")
        assert "Nothing is silenced" in await look(world)
        _, said = await send(world, {**form, "matchers": "tool=x", "seen": "tool=x", "do": "make"})
        assert 'Add the matcher tenant="acme"' in said
        await press(world, f"/console/silences/{theirs}/expire")
        assert "silence not found" in (await look(world)).casefold()
        assert (await send(world, {**form, "do": "make"}))[0] == 303
        # Another site cannot press for them.
        foreign = {"Sec-Fetch-Site": "cross-site"}
        assert (await send(world, {**form, "do": "make"}, **foreign))[0] == 403
        (mine,) = [s for s in room.daemon.silences(room.clock.at) if s.id != theirs]
        assert (await press(world, f"/console/silences/{mine.id}/expire", {}, **foreign))[0] == 403
        assert {str(s.state(room.clock.at)) for s in room.daemon.silences(room.clock.at)} == {
            "active"
        }

    tell(story)
