from rulesd.config import load_archive
from rulesd.config.document import Document
from rulesd.config.files import unpack
from rulesd.config.mask import masked
from rulesd.config.problems import Problems
from rulesd.config.read import read
from tests.config.testing import loaded


def document(text: str, name: str = "notifiers/routing.yaml") -> Document:
    found = read(name, text.encode(), name, Problems())
    assert found is not None
    return found


TEXT = """global:
  slack_api_url: 'https://hooks.example.org/SECRET1'  # keep this comment
  smtp_auth_password: &pw SECRET2
  opsgenie_api_key_file: /etc/key
receivers:
  - name: a
    webhook_configs:
      - url: "https://example.org/SECRET3"
        http_config:
          basic_auth: {username: u, password: SECRET4}
          authorization:
            credentials: |
              SECRET5
          http_headers: {X-Key: {secrets: [SECRET6, "SECRET7"], values: [open]}}
    pagerduty_configs: [{routing_key: SECRET8, url: https://pd.example.org}]
    slack_configs:
      - app_token: *pw
    pushover_configs: [{token: SECRET9, user_key: SECRET10}]
    telegram_configs:
      - bot_token: SECRET11
        chat_id: 5
"""


def test_every_literal_secret_is_masked_and_the_rest_stays() -> None:
    shown = masked(document(TEXT))
    assert "SECRET" not in shown
    for kept in (
        "# keep this comment",
        "/etc/key",
        "username: u",
        "values: [open]",
        "https://pd.example.org",
        "chat_id: 5",
    ):
        assert kept in shown
    assert shown.count("<secret>") == 11
    again = document(shown)
    assert masked(again) == shown
    assert again.place(("receivers", 0, "name")) == (6, 11)


def test_json_stays_json() -> None:
    shown = masked(document('{"global": {"slack_app_token": "SECRET"}}', "notifiers/routing.json"))
    assert shown == '{"global": {"slack_app_token": "<secret>"}}'


def test_astral_characters_do_not_shift_the_mask() -> None:
    shown = masked(document("a: 🙂🙂\nglobal: {slack_app_token: SECRET, x: ä}\n"))
    assert shown == "a: 🙂🙂\nglobal: {slack_app_token: <secret>, x: ä}\n"


TOML = """[route]
receiver = "inbox"
[[receivers]]
name = "inbox"
[[receivers.slack_configs]]
api_url = "https://hooks.example.org/SECRET-ONE"  # was SECRET-ONE before
channel = "#x"
[[receivers.pagerduty_configs]]
routing_key = 123456
[[receivers.webhook_configs]]
url = '{url}'
"""


def test_a_secret_in_toml_is_masked_wherever_it_stands() -> None:
    text = TOML.replace("{url}", "https://example.org/SECRET-TWO")
    result = loaded({"notifiers/routing.yaml": None, "notifiers/routing.toml": text})
    assert result.plan is not None, [str(p) for p in result.errors]
    kept = unpack(result.archive).content["notifiers/routing.toml"].decode()
    for words in (kept, result.plan.routing_yaml):
        assert "hooks.example.org/SECRET-ONE" not in words
        assert "SECRET-TWO" not in words
        assert "123456" not in words
        assert 'channel = "#x"' in words
    assert load_archive(result.archive).plan is not None


def test_a_secret_in_toml_is_found_however_it_is_written() -> None:
    for written in (
        '"https://example.org/\\u0053ECRET-TWO"',
        '"""https://example.org/SECRET-TWO"""',
        "'''https://example.org/SECRET-TWO'''",
    ):
        text = TOML.replace("'{url}'", written) + "# it's \"a comment\n"
        result = loaded({"notifiers/routing.yaml": None, "notifiers/routing.toml": text})
        assert result.plan is not None, [str(p) for p in result.errors]
        kept = unpack(result.archive).content["notifiers/routing.toml"].decode()
        assert "ECRET-TWO" not in kept
        assert load_archive(result.archive).plan is not None
