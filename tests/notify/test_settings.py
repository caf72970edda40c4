import pytest

from rulesd.model.errors import ConfigurationError
from rulesd.notify.settings import ChannelError, Settings, http_config, place_of
from tests.notify.samples import spec

VAULT = {"KEY": " s3cret \n", "EMPTY": "  "}


def secrets(reference: object) -> str:
    assert isinstance(reference, dict)
    return VAULT[reference["env"]] if "env" in reference else f"<{reference['file']}>"


def settings(**given: object) -> Settings:
    return Settings(spec("webhook", dict(given)), secrets)


def test_a_secret_is_literal_reference_or_file() -> None:
    assert settings(k="literal").secret("k") == "literal"
    assert settings(k={"env": "KEY"}).secret("k") == "s3cret"
    assert settings(k_file="/run/key").secret("k") == "</run/key>"
    assert settings().secret("k", "default") == "default"
    assert settings(k=[{"env": "KEY"}, "b"]).secret_list("k") == ("s3cret", "b")
    assert settings(k="a").secret_list("k") == ("a",)
    assert settings().secret_list("k") == ()


@pytest.mark.parametrize(("name", "problem"), [("NONE", "cannot be read"), ("EMPTY", "is empty")])
def test_a_secret_that_is_not_there_names_the_reference_and_nothing_else(
    name: str, problem: str
) -> None:
    with pytest.raises(
        ChannelError, match=f"receiver oncall, webhook.0.: k: .env: {name}. {problem}"
    ):
        settings(k={"env": name}).secret("k")


def test_whatever_the_vault_raises_becomes_a_channel_error() -> None:
    def broken(_: object) -> str:
        raise ConfigurationError([])

    with pytest.raises(ChannelError):
        Settings(spec("webhook", {"k": {"env": "X"}}), broken).secret("k")


@pytest.mark.parametrize("url", ["ftp://x", "", "https://a b", "x"])
def test_a_url_is_a_web_address(url: str) -> None:
    with pytest.raises(ChannelError) as caught:
        settings(url=url).url("url")
    assert url not in str(caught.value) or len(url) < 2


def test_plain_settings() -> None:
    assert settings(n=3).number("n", 1) == 3
    assert settings(n=True).number("n", 1) == 1
    assert settings(f=False).flag("f", True) is False
    assert settings().flag("f", True) is True
    assert settings(t=5).text("t") == "5"
    assert settings(a_file="x").has("a")
    assert not settings(a="").has("a")


def test_http_config_bearer_basic_and_headers() -> None:
    given = http_config(settings(http_config={"authorization": {"credentials_file": "/t"}}))
    assert given.headers == {"Authorization": "Bearer </t>"}
    assert given.secrets == ("</t>",)
    given = http_config(
        settings(http_config={"authorization": {"type": "Token", "credentials": "abc"}})
    )
    assert given.headers == {"Authorization": "Token abc"}
    given = http_config(settings(http_config={"bearer_token": "old"}))
    assert given.headers == {"Authorization": "Bearer old"}
    given = http_config(
        settings(http_config={"basic_auth": {"username": "u", "password_file": "/p"}})
    )
    assert given.headers == {"Authorization": "Basic dTo8L3A+"}
    assert given.secrets == ("</p>", "dTo8L3A+")
    assert "dTo8L3A+" not in repr(given)
    assert http_config(settings()).headers == {}


@pytest.mark.parametrize("name", ["oauth2", "proxy_from_environment"])
def test_http_config_refuses_what_it_would_not_do(name: str) -> None:
    with pytest.raises(ChannelError, match="is not supported"):
        http_config(settings(http_config={name: "x"}))


def test_tls_config() -> None:
    given = http_config(settings(http_config={"tls_config": {"insecure_skip_verify": True}}))
    assert given.tls is not None
    assert not given.tls.check_hostname
    with pytest.raises(ChannelError, match="tls_config"):
        http_config(settings(http_config={"tls_config": {"ca_file": "/nonexistent"}}))
    assert http_config(settings(http_config={"tls_config": {}})).tls is None


def test_a_place_tells_no_secret_and_tells_places_apart() -> None:
    assert place_of("token", "#a") == place_of("token", "#a") != place_of("token", "#b")
    assert "token" not in place_of("token")


def test_further_headers_and_a_proxy() -> None:
    block = {
        "http_headers": {"X-A": {"values": ["one", "two"]}, "X-B": {"secrets": ["sesame-1"]}},
        "proxy_url": "http://u:pass-word@proxy:3128",
    }
    made = http_config(Settings(spec("webhook_configs", {"http_config": block}), str))
    assert made.headers == {"X-A": "one, two", "X-B": "sesame-1"}
    assert made.proxy == "http://u:pass-word@proxy:3128"
    assert set(made.secrets) == {"sesame-1", made.proxy}
    assert "sesame" not in repr(made)
    assert "pass-word" not in repr(made)
    files = {"http_headers": {"X-C": {"files": ["token"]}}}
    opened = Settings(spec("webhook_configs", {"http_config": files}), lambda r: f"of {r['file']}")
    assert http_config(opened).headers == {"X-C": "of token"}
