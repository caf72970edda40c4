from pathlib import Path
from typing import Any

import pytest

from rulesd.config.problems import Code
from rulesd.config.settings import Settings, scalars
from rulesd.config.settings_load import LoadedSettings, load_settings

FULL = """
rules: my-rules
notifiers: /etc/rulesd/notifiers
state: /var/lib/rulesd
listen: "[::1]:9095"
external_url: https://rulesd.example.org/
sources:
  mqtt:
    - {url: "mqtts://broker.example.org:8883", topics: safety/+/events/#, client_id: x, protocol: 5, username: u, password: {credential: p},
       tls: {ca_file: /ca}}
    - url: mqtt://other:1883
retention: 7d
dedup: {window: 12h, ids: 5000}
limits: {body: 1MiB, inflated: 4 MB, depth: 32}
owner_page_limit: {pages: 5, within: 1m}
heartbeat: {url: {credential: heartbeat_url}, every: 30s}
shadow_check: 100
self_owner: team
log: {level: debug}
"""


def loaded(
    tmp_path: Path, text: str | None = None, environ: dict[str, str] | None = None, **flags: Any
) -> LoadedSettings:
    file = None
    if text is not None:
        file = tmp_path / "rulesd.yaml"
        file.write_text(text)
    return load_settings(file, environ=environ or {}, flags=flags)


def good(
    tmp_path: Path, text: str | None = None, environ: dict[str, str] | None = None, **flags: Any
) -> Settings:
    result = loaded(tmp_path, text, environ, **flags)
    assert result.settings is not None, [str(p) for p in result.problems]
    return result.settings


def test_the_defaults(tmp_path: Path) -> None:
    one = good(tmp_path)
    assert (one.rules, one.notifiers, one.listen, one.host, one.port) == (
        "rules",
        "notifiers",
        "127.0.0.1:9095",
        "127.0.0.1",
        9095,
    )
    assert (one.dedup.window, one.dedup.ids) == (86_400_000, 1_000_000)
    assert (one.limits.body, one.limits.inflated, one.limits.depth) == (16 << 20, 64 << 20, 64)
    assert (one.owner_page_limit.pages, one.owner_page_limit.within) == (10, 300_000)
    assert (one.heartbeat, one.shadow_check, one.sources.mqtt) == (None, 10_000, [])


def test_a_full_file(tmp_path: Path) -> None:
    one = good(tmp_path, FULL)
    assert one.rules == str(tmp_path / "my-rules")
    assert (one.notifiers, one.state) == ("/etc/rulesd/notifiers", "/var/lib/rulesd")
    assert (one.host, one.port, one.external_url) == ("::1", 9095, "https://rulesd.example.org")
    first, second = one.sources.mqtt
    assert (first.topics, first.protocol, first.password, first.tls and first.tls.ca_file) == (
        ("safety/+/events/#",), "5", {"credential": "p"}, "/ca",
    )  # fmt: skip
    assert (second.topics, second.protocol, second.client_id) == (
        ("safety/+/events/#",),
        "3.1.1",
        "",
    )
    assert (one.limits.body, one.limits.inflated) == (1 << 20, 4_000_000)
    assert one.heartbeat is not None
    assert (one.heartbeat.url, one.heartbeat.every) == ({"credential": "heartbeat_url"}, 30_000)


def test_flags_over_variables_over_the_file(tmp_path: Path) -> None:
    text = "listen: 127.0.0.1:1\nstate: a\ndedup: {window: 1h, ids: 2000}\nsources: {mqtt: [{url: 'mqtt://file:1'}]}\n"
    environ = {
        "RULESD_LISTEN": "127.0.0.1:2",
        "RULESD_STATE": "b",
        "RULESD_DEDUP_IDS": "3000",
        "RULESD_MQTT": "mqtt://env:1, mqtt://env:2",
    }
    one = good(tmp_path, text, environ, listen="127.0.0.1:3", state=None, mqtt=[])
    assert (one.listen, one.state, one.dedup.window, one.dedup.ids) == (
        "127.0.0.1:3",
        "b",
        3_600_000,
        3000,
    )
    assert [m.url for m in one.sources.mqtt] == ["mqtt://env:1", "mqtt://env:2"]
    assert [m.url for m in good(tmp_path, text, environ, mqtt=["mqtt://flag:1"]).sources.mqtt] == [
        "mqtt://flag:1"
    ]


def test_every_scalar_has_a_variable() -> None:
    names = scalars()
    for name in (
        "RULESD_RULES",
        "RULESD_EXTERNAL_URL",
        "RULESD_LIMITS_BODY",
        "RULESD_OWNER_PAGE_LIMIT_PAGES",
        "RULESD_HEARTBEAT_URL",
        "RULESD_LOG_LEVEL",
    ):
        assert name in names
    assert "RULESD_SOURCES" not in names


def test_a_heartbeat_from_the_environment(tmp_path: Path) -> None:
    one = good(
        tmp_path,
        None,
        {"RULESD_HEARTBEAT_URL": "https://beat.example.org/x", "RULESD_HEARTBEAT_EVERY": "10s"},
    )
    assert one.heartbeat is not None
    assert one.heartbeat.every == 10_000
    assert loaded(tmp_path, None, {"RULESD_HEARTBEAT_EVERY": "10s"}).settings is None


@pytest.mark.parametrize(
    ("environ", "flags", "shown"),
    [
        ({"RULESD_LISTEN": "nowhere"}, {}, "RULESD_LISTEN"),
        ({"RULESD_DEDUP_IDS": "many"}, {}, "RULESD_DEDUP_IDS"),
        ({}, {"listen": "nowhere"}, "--listen"),
        ({}, {"mqtt": ["mqtt://u:very-secret@h"]}, "--mqtt"),
    ],
)
def test_a_mistake_names_the_variable_or_the_flag(
    tmp_path: Path, environ: dict[str, str], flags: dict[str, Any], shown: str
) -> None:
    result = loaded(tmp_path, None, environ, **flags)
    assert result.settings is None
    assert [p.path for p in result.problems] == [shown]
    assert "very-secret" not in str(result.problems)


def test_a_misspelt_variable_is_pointed_out_and_others_are_left_alone(tmp_path: Path) -> None:
    environ = {
        "RULESD_EXTERNAL_ULR": "x",
        "RULESD_TOKEN": "x",
        "RULESD_TICKETS_URL": "x",
        "PATH": "x",
        "RULESD_STATE": "",
    }
    result = loaded(tmp_path, None, environ)
    assert result.settings is not None
    assert [(p.path, p.severity) for p in result.problems if p.code != Code.NO_EXTERNAL_URL] == [
        ("RULESD_EXTERNAL_ULR", "warning")
    ]


def test_without_an_external_url_there_is_a_warning(tmp_path: Path) -> None:
    result = loaded(tmp_path, "rules: r\n")
    assert [(p.path, p.line, p.column, p.code) for p in result.problems] == [
        (str(tmp_path / "rulesd.yaml"), 1, 1, Code.NO_EXTERNAL_URL)
    ]
    assert loaded(tmp_path, "external_url: http://127.0.0.1:9095\n").problems == ()


def test_a_file_that_is_not_there_and_an_empty_one(tmp_path: Path) -> None:
    result = load_settings(tmp_path / "none.yaml", environ={}, flags={})
    assert [p.code for p in result.problems] == ["unreadable"]
    assert good(tmp_path, "").listen == "127.0.0.1:9095"


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    result = loaded(tmp_path, "lisen: x\nretention: never\n", {"RULESD_LISTEN": "x"}, state="s")
    assert len([p for p in result.problems if p.severity == "error"]) == 3
