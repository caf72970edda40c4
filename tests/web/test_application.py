"""The whole surface: what is open, what is not, and that nothing that was sent comes back or is logged."""

import asyncio
import logging
import re

import pytest

from rulesd.web.application import GUARDED, OPEN
from rulesd.web.tokens import Scope
from tests.web.fakes import ADMIN, FakeDaemon, alert
from tests.web.hooking import hooked

SECRET = "hunter2-planted-secret"
OPEN_WITHOUT_TOKEN = {
    ("OPTIONS", "/v1/events"),
    ("GET", "/-/healthy"),
    ("GET", "/-/ready"),
    ("GET", "/metrics"),
    ("GET", "/openapi.json"),
    ("GET", "/login"),
    ("POST", "/login"),
    ("POST", "/logout"),
    ("GET", "/static/{name}"),
    ("GET", "/"),
    ("POST", "/console/alerts/{id}/{act}"),
    ("POST", "/console/settings/{id}/{act}"),
    ("POST", "/console/reviews/{id}"),
    ("GET", "/silences"),
    ("GET", "/silences/new"),
    ("GET", "/silences/about/{id}"),
    ("POST", "/console/silences"),
    ("POST", "/console/silences/{id}/{act}"),
    ("GET", "/runbooks/{id}"),
}
"Each of these was looked at: it shows nothing, or looks at its caller itself."

WITH_TOKEN = {
    ("POST", "/v1/events"): "ingest",
    ("GET", "/v1/alerts"): "read",
    ("GET", "/v1/alerts/{id}"): "read",
    ("POST", "/v1/alerts/{id}/{act:ack|unack|resolve}"): "ack",
    ("GET", "/v1/rules"): "read",
    ("GET", "/v1/baselines"): "read",
    ("POST", "/v1/baselines/relearn"): "ack",
    ("GET", "/v1/alerts/{id}/why"): "read",
    ("GET", "/v1/events/{id}/why-not"): "read",
    ("GET", "/v1/route"): "read",
    ("GET", "/v1/oncall"): "read",
    ("GET", "/v1/oncall/overrides"): "read",
    ("POST", "/v1/oncall/overrides"): "ack",
    ("DELETE", "/v1/oncall/overrides/{id}"): "ack",
    ("GET", "/v1/silences"): "read",
    ("POST", "/v1/silences"): "ack",
    ("POST", "/v1/silences/preview"): "read",
    ("GET", "/v1/silences/{id}"): "read",
    ("PUT", "/v1/silences/{id}"): "ack",
    ("POST", "/v1/silences/{id}/expire"): "ack",
    ("POST", "/v1/silences/{id}/approve"): "ack",
    ("GET", "/v1/alerts/{id}/deliveries"): "read",
    ("GET", "/v1/deliveries"): "read",
    ("GET", "/v1/reports/pages"): "read",
    ("POST", "/v1/deliveries/{id}/redeliver"): "admin",
    ("GET", "/v1/switches"): "flags",
    ("GET", "/v1/switches/history"): "read",
    ("PUT", "/v1/switches/humans-only"): "switch",
    ("PUT", "/v1/switches/{key}"): "switch",
    ("POST", "/v1/switches/settings/{id}/{act:approve|revert}"): "switch",
    ("POST", "/ofrep/v1/evaluate/flags"): "flags",
    ("POST", "/ofrep/v1/evaluate/flags/{key}"): "flags",
    ("GET", "/v1/reviews"): "read",
    ("GET", "/v1/rollouts"): "read",
    ("GET", "/v1/rollouts/{id}"): "read",
    ("POST", "/v1/rollouts/{id}/{act:signoff|finish}"): "switch",
    ("POST", "/v1/reviews/{id}/complete"): "switch",
    ("POST", "/v1/test-page"): "admin",
    ("GET", "/v1/tokens"): "admin",
    ("POST", "/v1/tokens"): "admin",
    ("DELETE", "/v1/tokens/{name}"): "admin",
    ("POST", "/-/reload"): "admin",
}


def address(path: str) -> str:
    path = re.sub(r"{act:(\w+)[^}]*}", r"\1", path.replace("{id}", "a1"))
    return re.sub(r"{\w+}", "x", path)


def test_the_rights_are_these() -> None:
    assert {(method, path): str(scope) for method, path, scope, _ in GUARDED} == WITH_TOKEN
    assert {(method, path) for method, path, _ in OPEN} == OPEN_WITHOUT_TOKEN


@pytest.mark.parametrize(("method", "path", "scope"), [row[:3] for row in GUARDED])
def test_every_other_route_wants_its_scope(method: str, path: str, scope: Scope) -> None:
    async def story() -> None:
        async with hooked() as world:
            async with world.nobody.request(method, address(path)) as response:
                assert response.status == 401
            implied = {Scope.READ} if scope is Scope.FLAGS else set()
            others = [one for one in Scope if one not in (scope, Scope.ADMIN, *implied)]
            headers = await world.token("other", *others)
            async with world.nobody.request(method, address(path), headers=headers) as response:
                assert response.status == 403
            headers = await world.token("right", scope)
            async with world.nobody.request(method, address(path), headers=headers) as response:
                assert response.status not in (401, 403)

    asyncio.run(story())


def test_what_was_sent_comes_back_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def story() -> None:
        daemon = FakeDaemon()
        daemon.shown = [alert("a1")]
        seen = []
        async with hooked(daemon) as world:
            paths = {(m, address(p)) for m, p, *_ in (*OPEN, *GUARDED)} | {("POST", "/hooks/pager")}
            # /runbooks/<what was asked for> is the one address a page repeats, escaped: the way back after logging in.
            paths |= {
                ("PUT", f"/{SECRET}"),
                ("POST", f"/hooks/{SECRET}"),
            }
            paths |= {("GET", f"/v1/alerts/{SECRET}"), ("DELETE", f"/v1/tokens/{SECRET}")}
            for method, path in sorted(paths):
                for kind in (
                    "application/json",
                    "application/x-ndjson",
                    "application/cloudevents+json",
                    SECRET,
                ):
                    for right in (f"Bearer {ADMIN}", f"Bearer {SECRET}", f"Basic {SECRET}"):
                        headers = {
                            "Content-Type": kind,
                            "Authorization": right,
                            "X-Other": SECRET,
                            "Cookie": f"rulesd={SECRET}",
                        }
                        body = f'{{"a": "{SECRET}", "id": 3}}\n{SECRET}\n'
                        async with world.nobody.request(
                            method,
                            path,
                            params={"q": SECRET},
                            headers=headers,
                            data=body,
                            allow_redirects=False,
                        ) as response:
                            assert response.status < 500, (method, path)
                            seen.append(await response.text() + str(response.headers))
        assert len(seen) > 200
        return (
            None
            if not any(SECRET in one for one in seen)
            else pytest.fail(next(one for one in seen if SECRET in one))
        )

    asyncio.run(story())
    assert SECRET not in caplog.text
    assert ADMIN not in caplog.text
