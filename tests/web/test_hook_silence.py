"""A hook that may silence."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import orjson

from rulesd.model.instant import HOUR
from rulesd.web.application import DOOR
from rulesd.web.hook_silence import silence
from rulesd.web.hook_spec import Hook
from tests.core.plans import T0
from tests.runners.room import Room, in_room, out_of_scope
from tests.runners.test_silencing import PLAN
from tests.web.fakes import World, opened
from tests.web.hooking import call, resolve

HOOKS = {
    "pager": {"secret": {"env": "PAGER"}, "may": ["silence"]},
    "mapped": {
        "secret": {"env": "PAGER"},
        "may": ["silence"],
        "mapping": {"alert": {"var": "event.id"}, "for": "1h", "by": {"var": "event.who"}},
    },
}
WISH = {"matchers": ['tenant="acme"'], "for": "2h", "by": "ana", "comment": "planned"}


def tell(story: Callable[[Room, Callable[..., Awaitable[Any]]], Awaitable[None]]) -> Room:
    async def run(room: Room) -> None:
        room.daemon.clock = T0  # type: ignore[attr-defined]
        async with opened(room.daemon, resolve_secret=resolve) as world:  # type: ignore[arg-type]
            kept: World = world
            room.door = world.app[DOOR]  # type: ignore[attr-defined]

            async def hook(body: Any, name: str = "", to: str = "pager") -> Any:
                return (await call(kept, to, body, name=name or f"m{len(room.kinds())}"))[:2]

            await story(room, hook)

    return in_room(run, made=replace(PLAN, hooks=HOOKS))


def test_it_makes_one_silence_for_one_call() -> None:
    async def story(room: Room, hook: Any) -> None:
        status, said = await hook(WISH, "m1")
        assert (status, said["result"]) == (200, "done")
        (one,) = room.daemon.silences(T0)
        assert (one.id, one.created_by, one.ends_at) == (
            said["id"],
            "ana (hook pager)",
            T0 + 2 * HOUR,
        )
        assert one.annotations == {"hook_call": "m1"}
        assert one.approved_by == ""
        # The door knows the call; should it have forgotten, the silence does.
        assert (await hook(WISH, "m1"))[1] == {"result": "already"}
        assert (await hook(WISH, "m2"))[1]["result"] == "done"
        hook_ = Hook(name="pager", signed=True, keys=(), may=("silence",), mapping={})
        room.clock.at += HOUR
        again = await silence(room.door, hook_, WISH, "m1")  # type: ignore[attr-defined]
        assert orjson.loads(again.body) == {"result": "already", "id": one.id}
        assert [s.ends_at for s in room.daemon.silences(T0)] == [one.ends_at] * 2

    tell(story)


def test_of_an_alert() -> None:
    async def story(room: Room, hook: Any) -> None:
        assert (await hook({"event": {"id": "nobody"}}, to="mapped"))[1] == {
            "result": "nothing_to_do"
        }
        await room.send(out_of_scope("x"))
        (alert,) = room.daemon.alerts()
        body = {"event": {"id": alert.alert, "who": "ana"}}
        assert (await hook(body, to="mapped"))[1]["result"] == "done"
        (one,) = room.daemon.silences(T0)
        assert [(m.name, m.value) for m in one.matchers] == [
            ("alertname", "tool.scope"),
            ("tenant", "acme"),
        ]
        assert one.comment == "by the hook mapped"
        views = await room.daemon.silence_views(lambda s: True)
        assert views[0].unapplied == {"tool.scope": 1}

    tell(story)


def test_what_is_wrong_is_refused() -> None:
    async def story(room: Room, hook: Any) -> None:
        for wrong, error in (
            ({"for": "0s"}, "start_not_before_end"),
            ({"matchers": []}, "missing_field"),
            ({"matchers": ['a=~".*"']}, "invalid_silence"),
        ):
            status, said = await hook({**WISH, **wrong})
            assert (status, said["error"]) == (400, error)
        status, said = await hook({**WISH, "operation": "resolve"})
        assert status == 403

    assert tell(story).kinds() == ["plan"]


def test_without_an_id_the_same_wish_extends_what_there_is() -> None:
    token = {"pager": {**HOOKS["pager"], "mode": "token", "secret": {"env": "FEED"}}}

    async def run(room: Room) -> None:
        async with opened(room.daemon, resolve_secret=resolve) as world:  # type: ignore[arg-type]

            async def hook(**more: str) -> Any:
                headers = {"Authorization": "Bearer feed-secret-long-enough"}
                async with world.nobody.post(
                    "/hooks/pager", json={**WISH, **more}, headers=headers
                ) as response:
                    return await response.json()

            first = await hook()
            assert await hook() == {"result": "already", "id": first["id"]}
            assert await hook(**{"for": "3h"}) == {"result": "done", "id": first["id"]}
            (one,) = room.daemon.silences(T0)
            assert one.ends_at == T0 + 3 * HOUR
            await room.daemon.expire_silence(one.id, "jo")
            assert (await hook())["id"] != first["id"]

    in_room(run, made=replace(PLAN, hooks=token))
