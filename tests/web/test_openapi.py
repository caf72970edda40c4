"""The interface document: sound, complete, and true."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import orjson
import pytest

from rulesd.ports.daemon import Attempt
from rulesd.web.application import GUARDED, OPEN
from rulesd.web.openapi import document
from tests.web.fakes import FakeDaemon, alert, opened
from tests.web.plans import plan

DOCUMENT: Any = document("1.2.3")
METHODS = {"get", "post", "put", "delete", "options", "head", "patch"}
NOT_DESCRIBED = {
    "/login",
    "/logout",
    "/static/{name}",
    "/console/alerts/{id}/{act}",
    "/console/settings/{id}/{act}",
    "/console/reviews/{id}",
    "/silences",
    "/silences/new",
    "/silences/about/{id}",
    "/console/silences",
    "/console/silences/{id}/{act}",
}
"Of the console's pages only, not an interface."


def operations() -> Iterator[tuple[str, str, Any]]:
    for path, item in DOCUMENT["paths"].items():
        for method in METHODS & item.keys():
            yield path, method, item[method]


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def look_up(reference: str) -> Any:
    node = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


def test_every_reference_leads_somewhere_and_everything_is_used() -> None:
    used = set(references(DOCUMENT))
    for reference in used:
        assert look_up(reference)
    for kind in ("schemas", "responses"):
        for name in DOCUMENT["components"][kind]:
            assert f"#/components/{kind}/{name}" in used, name


def test_shape() -> None:
    assert DOCUMENT["openapi"].startswith("3.1")
    assert DOCUMENT["info"]["version"] == "1.2.3"
    seen = set()
    for path, method, operation in operations():
        assert operation["operationId"] not in seen
        seen.add(operation["operationId"])
        assert operation["summary"], (path, method)
        assert operation["responses"], (path, method)
        item = DOCUMENT["paths"][path]
        named = {
            p["name"]
            for p in [*item.get("parameters", []), *operation.get("parameters", [])]
            if p["in"] == "path"
        }
        assert named == set(re.findall(r"{(\w+)}", path)), path
        for code, response in operation["responses"].items():
            assert re.fullmatch(r"\d{3}", code)
            assert "$ref" in response or response["description"]
    for name, schema in DOCUMENT["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema), name


def test_every_route_is_described_and_nothing_else() -> None:
    routes = {(method.lower(), path) for method, path, _ in OPEN}
    routes |= {(method.lower(), path) for method, path, _, _ in GUARDED}
    routes |= {("post", "/hooks/{name}")}
    routes |= {("post", f"/integrations/{name}") for name in ("slack", "pagerduty")}
    expanded = set()
    for method, path in routes:
        if match := re.search(r"{act:(.*?)}", path):
            expanded |= {(method, path.replace(match[0], act)) for act in match[1].split("|")}
        elif path not in NOT_DESCRIBED:
            expanded.add((method, path))
    assert expanded == {(method, path) for path, method, _ in operations()}


def check(path: str, method: str, status: int, body: Any) -> None:
    """An answer against the schema the document promises for it."""
    response = DOCUMENT["paths"][path][method]["responses"][str(status)]
    if "$ref" in response:
        response = look_up(response["$ref"])
    schema = response["content"]["application/json"]["schema"]
    whole = {**schema, "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(whole).validate(body)


def test_answers_are_as_described() -> None:
    async def story() -> None:
        daemon = FakeDaemon()
        daemon.plan = plan()
        daemon.shown = [alert("a1")]
        daemon.attempts = [
            Attempt(
                receiver="r", channel="c", outcome="delivered", reason="ok", detail="", seconds=1
            )
        ]
        event = orjson.dumps({"specversion": "1.0", "id": "1", "source": "s", "type": "t"})
        one = {"Content-Type": "application/cloudevents+json"}
        asked = [
            ("/v1/events", "post", "/v1/events", event, one),
            ("/v1/events", "post", "/v1/events", b"{", one),
            ("/v1/events", "post", "/v1/events", b"x", {"Content-Type": "text/plain"}),
            ("/v1/events", "post", "/v1/events", event, {**one, "Authorization": "no"}),
            ("/v1/alerts", "get", "/v1/alerts", None, {}),
            ("/v1/alerts/{id}", "get", "/v1/alerts/a1", None, {}),
            ("/v1/alerts/{id}", "get", "/v1/alerts/zz", None, {}),
            ("/v1/alerts/{id}/ack", "post", "/v1/alerts/a1/ack", b"", {}),
            ("/v1/alerts/{id}/resolve", "post", "/v1/alerts/a1/resolve", b"{}", {}),
            ("/v1/alerts/{id}/ack", "post", "/v1/alerts/a1/ack", b"", {}),
            ("/v1/rules", "get", "/v1/rules", None, {}),
            ("/v1/test-page", "post", "/v1/test-page", b'{"owner":"platform-safety"}', {}),
            ("/v1/tokens", "post", "/v1/tokens", b'{"name":"x","scopes":["read"]}', {}),
            ("/v1/tokens", "get", "/v1/tokens", None, {}),
            ("/v1/tokens/{name}", "delete", "/v1/tokens/x", None, {}),
            ("/hooks/{name}", "post", "/hooks/nobody", b"{}", {}),
            ("/-/ready", "get", "/-/ready", None, {"Accept": "application/json"}),
            ("/-/reload", "post", "/-/reload", b"", {}),
        ]
        async with opened(daemon) as world:
            for path, method, address, data, headers in asked:
                async with world.admin.request(
                    method, address, data=data, headers=headers
                ) as response:
                    check(path, method, response.status, await response.json())
            world.daemon.intake.room = 0
            async with world.admin.post("/v1/events", data=event, headers=one) as response:
                check("/v1/events", "post", 503, await response.json())
            async with world.nobody.get("/openapi.json") as response:
                assert (response.status, await response.json()) == (200, document("0.1.0"))

    asyncio.run(story())


def test_a_wrong_answer_is_seen() -> None:
    with pytest.raises(jsonschema.ValidationError):
        check("/v1/events", "post", 202, {"accepted": 1, "duplicates": "0", "rejected": []})
