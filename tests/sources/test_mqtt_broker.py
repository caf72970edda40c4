import ssl
from pathlib import Path

import pytest

from rulesd.sources.mqtt_broker import TOPICS, broker_at, tls_context


def test_addresses() -> None:
    one = broker_at("mqtt://broker", client_id="x")
    assert (one.host, one.port, one.tls, one.topics, one.name) == (
        "broker",
        1883,
        None,
        TOPICS,
        "broker:1883",
    )
    two = broker_at("mqtts://u%40x@broker:9999", client_id="x", password="s3cret")
    assert (two.port, two.username, two.password) == (9999, "u@x", "s3cret")
    assert two.tls is not None
    assert two.tls.verify_mode is ssl.CERT_REQUIRED
    assert two.tls.check_hostname
    assert "s3cret" not in repr(two)
    assert broker_at("ssl://[::1]", client_id="x").host == "::1"
    assert broker_at("tcp://h", client_id="x", username="u").username == "u"


@pytest.mark.parametrize(
    "url", ["", "broker:1883", "http://broker", "mqtt://", "mqtt://h:port", "mqtt://h:99999"]
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(ValueError, match="Write mqtt://") as caught:
        broker_at(url, client_id="x")
    assert "port" not in str(caught.value).replace("Write", "")


def test_what_else_is_wrong() -> None:
    with pytest.raises(ValueError, match=r"3\.1\.1"):
        broker_at("mqtt://h", client_id="x", protocol="4")
    with pytest.raises(ValueError, match="client id"):
        broker_at("mqtt://h", client_id="")
    with pytest.raises(ValueError, match="topic"):
        broker_at("mqtt://h", client_id="x", topics=())


def test_tls(tmp_path: Path) -> None:
    assert tls_context().verify_mode is ssl.CERT_REQUIRED
    loose = tls_context(insecure=True)
    assert not loose.check_hostname
    assert loose.verify_mode is ssl.CERT_NONE
    with pytest.raises(OSError, match="No such file"):
        tls_context(str(tmp_path / "none"))
    (tmp_path / "bad").write_text("no certificate")
    with pytest.raises(OSError, match=r".+"):
        tls_context(str(tmp_path / "bad"))
