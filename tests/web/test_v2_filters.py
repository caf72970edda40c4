"""What a query of API v2 chooses."""

import pytest
from aiohttp.test_utils import make_mocked_request

from rulesd.core.standing import Standing
from rulesd.web.v2_answers import V2Refused
from rulesd.web.v2_filters import MOST_FILTERS, chosen, filters, fits, receiver


def keeps(query: str, **labels: str) -> bool:
    return fits(filters(make_mocked_request("GET", f"/x?{query}")), labels)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", True),
        ("filter=a%3Db", True),
        ("filter=a%3Dc", False),
        ("filter=a%3Db&filter=x%3Dz", False),
        ("filter=a%3Db&filter=x%3Dy", True),
        ("filter=%7Ba%3D%22b%22%2Cx%3D%22y%22%7D", True),
        ("filter=a%3D~%22b%7Cc%22", True),
        ("filter=a%3D~%22b.%22", False),
        ("filter=a!~b", False),
        ("filter=a!%3Dc", True),
        ("filter=missing%3D", True),
        ("filter=a%3D", False),
        ("filter=missing!%3D%22%22", False),
        ("filter=missing!%3Dq", True),
    ],
)
def test_all_filters_must_agree(query: str, expected: bool) -> None:
    assert keeps(query, a="b", x="y") is expected


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("filter=", "bad matcher format: "),
        ("filter=a", "bad matcher format: a"),
        ("filter=" + "a" * 500, "bad matcher format: " + "a" * 200),
    ],
)
def test_what_is_no_filter_is_said_in_alertmanagers_words(query: str, said: str) -> None:
    with pytest.raises(V2Refused) as refused:
        keeps(query)
    assert (refused.value.status, refused.value.body) == (400, said)


def test_a_pattern_that_is_none() -> None:
    for make in (filters, receiver):
        with pytest.raises(V2Refused) as refused:
            make(make_mocked_request("GET", "/x?filter=a%3D~%22%5B%22&receiver=%5B"))
        assert refused.value.status == 400
        assert "missing" in str(refused.value.body)


def test_there_are_only_so_many_filters() -> None:
    with pytest.raises(V2Refused):
        keeps("&".join(["filter=a%3Db"] * (MOST_FILTERS + 1)))
    assert keeps("&".join(["filter=a%3Db"] * MOST_FILTERS), a="b")


def test_receivers_are_anchored_patterns() -> None:
    def wanted(query: str, name: str) -> bool:
        return receiver(make_mocked_request("GET", f"/x{query}"))(name)

    assert wanted("", "anything")
    assert wanted("?receiver=db", "db")
    assert not wanted("?receiver=d", "db")
    assert wanted("?receiver=d.*", "db")
    assert not wanted("?receiver=db", "x-db")


ACTIVE = Standing(state="active")
SILENCED = Standing(state="suppressed", silenced_by=("s",))
INHIBITED = Standing(state="suppressed", inhibited_by=("f",))
MUTED = Standing(state="suppressed", muted_by=("nights",))
PENDING = Standing(state="unprocessed")
BOTH = Standing(state="suppressed", silenced_by=("s",), inhibited_by=("f",))
ALL = {"a": ACTIVE, "s": SILENCED, "i": INHIBITED, "m": MUTED, "u": PENDING, "b": BOTH}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "asimub"),
        ("active=false", "simub"),
        ("silenced=false", "aimu"),
        ("inhibited=false", "asmu"),
        ("muted=false", "asiub"),
        ("unprocessed=false", "asimb"),
        ("active=true&silenced=false&inhibited=false&unprocessed=false", "am"),
        ("active=no", "simub"),
        ("active=0", "simub"),
        ("active=foo", "simub"),
        ("active=", "asimub"),
        ("active=YES", "asimub"),
    ],
)
def test_switches(query: str, expected: str) -> None:
    wanted = chosen(make_mocked_request("GET", f"/x?{query}"))
    assert "".join(name for name, standing in ALL.items() if wanted(standing)) == expected
