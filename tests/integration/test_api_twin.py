"""The same requests to a real Alertmanager 0.25 and to us: the same codes and the same sentences.

Where we differ on purpose it stands in ``DIFFERENT``, with why.
"""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.integration.daemon import TOKEN, Daemon, until
from tests.integration.peers_am import Alertmanager, Said, request

ROUTING = """\
route: {receiver: pager, group_by: [alertname], group_wait: 0s, routes: [{receiver: db, matchers: ['team="db"']}]}
receivers: [{name: pager}, {name: db}]
"""
JSON = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
ALERTS, SILENCES = "/api/v2/alerts", "/api/v2/silences"
UNKNOWN = "7d8e0000-0000-4000-8000-000000000000"
SILENCE: dict[str, Any] = {
    "matchers": [{"name": "alertname", "value": "A1", "isRegex": False}],
    "startsAt": "2026-01-01T00:00:00Z",
    "endsAt": "2096-01-01T00:00:00Z",
    "createdBy": "me",
    "comment": "why",
}


def with_(**changes: Any) -> str:
    return json.dumps(SILENCE | changes)


def without(name: str) -> str:
    return json.dumps({k: v for k, v in SILENCE.items() if k != name})


LATE = {"startsAt": "2030-01-01T00:00:00Z", "endsAt": "2029-01-01T00:00:00Z"}
CASES: list[tuple[str, str, str | None]] = [
    *(
        ("POST", ALERTS, body)
        for body in (
            "[]", "null", "", "xx", "{}", '["a"]', "[{}]", '[{},{"annotations":{}}]', '[{"labels":null}]',
            '[{"labels":{}}]', '[{"labels":{"a":""}}]', '[{"labels":{"1x":"a"}}]', '[{"labels":{"a":1}}]',
            json.dumps([{"labels": {"1x": "a"}}, {"labels": {"a": "b"}, **LATE}, {"labels": {"alertname": "ok"}}]),
            json.dumps([{"labels": {}, **LATE}]), json.dumps([{"labels": {"1x": "y"}, **LATE}]),
            '[{"labels":{"a":"b"},"startsAt":"foo"}]', '[{"labels":{"a":"b"},"generatorURL":"::bad"}]',
            '[{"labels":{"a":"b"},"generatorURL":"notaurl"}]', '[{"labels":{"a":"b"},"generatorURL":"/graph"}]',
            '[{"labels":{"a":"b"},"generatorURL":""}]', '[{"labels":{"a":"b"},"annotations":{"1a":"x"}}]',
            '[{"labels":{"a":"b"},"annotations":5}]', '[{"labels":{"a":"b"},"foo":1}]',
            '[{"labels":{"a":"b"},"startsAt":"2030-01-01T00:00:00Z"}]',
        )
    ),
    *(
        ("GET", f"{ALERTS}?{query}", None)
        for query in (
            "", "active=false", "active=foo", "active=0", "active=", "silenced=false", "receiver=d", "receiver=d.*",
            "filter=a", "filter=a%3D", "filter=alertname%3DA1&filter=team%3Ddb", "filter=alertname%3D~%22A%5B12%5D%22",
            "filter=team!%3Ddb", "filter=team%3D", "filter=alertname!~A.", "filter=", "filter=nothing%3D%22%22",
        )
    ),
    ("GET", "/api/v2/alerts/groups?receiver=db", None),
    ("GET", "/api/v2/alerts/groups?filter=alertname%3DA2", None),
    ("GET", "/api/v2/alerts/groups?filter=a", None),
    ("GET", "/api/v2/alerts/groups?active=false", None),
    ("GET", "/api/v2/receivers", None),
    ("GET", "/api/v2/nope", None),
    ("PUT", ALERTS, ""),
    ("DELETE", "/api/v2/status", None),
    *(
        ("POST", SILENCES, body)
        for body in (
            "", "{}", "null", "x", *(without(name) for name in SILENCE), with_(matchers=[]),
            *(with_(matchers=[m]) for m in ({"name": "a", "value": "b"}, {"name": "a", "isRegex": False}, {"value": "a", "isRegex": False})),
            with_(matchers=[{"name": "a", "value": "", "isRegex": False}]),
            with_(matchers=[{"name": "a", "value": ".*", "isRegex": True}]),
            with_(matchers=[{"name": "a", "value": "b", "isRegex": False, "isEqual": False}], endsAt="2026-01-02T00:00:00Z"),
            with_(startsAt="2097-01-01T00:00:00Z"), with_(id=UNKNOWN), with_(id="nope"),
        )
    ),
    ("GET", f"{SILENCES}?filter=a", None),
    ("GET", f"{SILENCES}?filter=alertname%3DA2", None),
    ("GET", f"/api/v2/silence/{UNKNOWN}", None),
    ("GET", "/api/v2/silence/nope", None),
    ("DELETE", "/api/v2/silence/nope", None),
    ("DELETE", f"/api/v2/silence/{UNKNOWN}", None),
]  # fmt: skip

SEVERAL = '{alertname="A1",team="db"}'
DIFFERENT: list[tuple[str, str, str | None, int, int]] = [
    # (method, path, body, theirs, ours)
    ("POST", ALERTS, '[{"labels":{"größe":"xl"}}]', 400, 200),  # any UTF-8 name, as since 0.27
    (
        "GET",
        ALERTS + "?filter=" + quote(SEVERAL),
        None,
        400,
        200,
    ),  # one text, several matchers
    ("GET", "/api/v1/alerts", None, 200, 410),  # gone since 0.27
]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    folder = tmp_path_factory.mktemp("twin")
    notifiers = {"routing.yaml": ROUTING, "owners.yaml": "owners: {safety: {contact: them}}\n"}
    with (
        Alertmanager(folder / "am", ROUTING) as peer,
        Daemon(folder / "d", notifiers=notifiers) as daemon,
    ):
        urls = peer.url, f"http://127.0.0.1:{daemon.port}"
        alerts = [
            {"labels": {"alertname": "A1", "team": "db", "instance": "x"}, "annotations": {"s": "hello", "e": ""}, "generatorURL": "http://p/g?x=1"},
            {"labels": {"alertname": "A2", "team": "web"}, "startsAt": "2026-01-01T00:00:00Z", "endsAt": "2096-01-01T00:00:00.123456789Z"},
            {"labels": {"alertname": "A3"}, "endsAt": "2020-01-01T00:00:00Z"},
        ]  # fmt: skip
        for url in urls:
            assert request(url + ALERTS, "POST", json.dumps(alerts).encode(), JSON).status == 200
            until_grouped(url)
        yield urls


def until_grouped(url: str) -> None:
    until(
        lambda: len(json.loads(request(f"{url}/api/v2/alerts/groups", headers=JSON).body)) == 2, 30
    )


def in_order(methods: str | None) -> str:
    """Methods by their name: theirs come as a map of Go has them, in another order each time."""
    return ",".join(sorted((methods or "").split(",")))


def said(answer: Said) -> tuple[int, Any]:
    """Code and body; of what depends on the moment or the reader, only that it is there."""
    text = answer.body.decode()
    text = re.sub(r'because .*?"}', 'because ..."}', text)
    text = re.sub(r'"\d{4}-\d\d-\d\dT[^"]*Z"', '"<time>"', text)
    text = re.sub(r'"mutedBy":\[\],', "", text)  # new since 0.28
    text = re.sub(r"\[[A-Z]+(?:,[A-Z]+)+\]", lambda m: in_order(m[0][1:-1]), text)
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<uuid>", text)
    return answer.status, json.loads(text) if text.strip() else None


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c[0]} {c[1]} {c[2]}"[:90])
def test_the_same_answer(case: tuple[str, str, str | None], both: tuple[str, str]) -> None:
    method, path, body = case
    theirs, ours = (
        request(url + path, method, None if body is None else body.encode(), JSON) for url in both
    )
    assert said(ours) == said(theirs)
    assert ours.headers.get("Content-Type") == theirs.headers.get("Content-Type") or not theirs.body
    assert in_order(ours.headers.get("Allow")) == in_order(theirs.headers.get("Allow"))


@pytest.mark.parametrize("case", DIFFERENT, ids=lambda c: f"{c[0]} {c[1]}"[:60])
def test_differences_that_are_meant(
    case: tuple[str, str, str | None, int, int], both: tuple[str, str]
) -> None:
    method, path, body, *codes = case
    found = [
        request(url + path, method, None if body is None else body.encode(), JSON).status
        for url in both
    ]
    assert found == codes
