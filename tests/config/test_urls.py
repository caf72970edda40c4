import pytest

from rulesd.config.urls import split


@pytest.mark.parametrize("url", ["https://a", "http://a:1/x?y", "mqtt://h:1883"])
def test_addresses(url: str) -> None:
    assert split(url) is not None


@pytest.mark.parametrize(
    "url", ["", "a", "https://", "http://a:99999", "https://a b", 5, None, "http://[::1"]
)
def test_what_is_no_address(url: object) -> None:
    assert split(url) is None
