"""Templates, static files, and times as people say them."""

import asyncio

import pytest

from rulesd.web.pages import ago, render, static_url
from tests.web.fakes import opened


@pytest.mark.parametrize(
    ("past", "said"),
    [
        (-5, "0 s"),
        (999, "0 s"),
        (59_000, "59 s"),
        (61_000, "1 min"),
        (3_600_000, "1 h"),
        (47 * 3_600_000, "47 h"),
        (48 * 3_600_000, "2 d"),
    ],
)
def test_ago(past: int, said: str) -> None:
    assert ago(10**9, 10**9 + past) == said


def test_values_are_escaped() -> None:
    html = render("notice.html", title="<b>", text='"><script>', steps=["<i>"]).text
    assert html is not None
    for raw in ("<b>", "<script>", "<i>"):
        assert raw not in html


def test_static_files() -> None:
    async def story() -> None:
        async with opened() as world:
            for name, kind in [
                ("console.css", "text/css"),
                ("console.js", "javascript"),
                ("icon.svg", "image/svg+xml"),
            ]:
                async with world.nobody.get(static_url(name)) as response:
                    assert response.status == 200
                    assert kind in response.headers["Content-Type"]
                    assert "immutable" in response.headers["Cache-Control"]
            for name in ("nothing.css", "..%2fpages.py", "%2e%2e/pages.py"):
                async with world.nobody.get(f"/static/{name}") as response:
                    assert response.status == 404

    asyncio.run(story())


def test_a_person_gets_a_page_where_a_program_gets_json() -> None:
    async def story() -> None:
        async with opened() as world:
            html = {"Accept": "text/html,*/*"}
            async with world.nobody.get("/nothing", headers=html) as response:
                assert (response.status, response.content_type) == (404, "text/html")
                assert "There is nothing here" in await response.text()
            async with world.nobody.get("/nothing") as response:
                assert (response.status, response.content_type) == (404, "application/json")
            async with world.nobody.get("/v1/alerts", headers=html) as response:
                assert (response.status, response.content_type) == (401, "application/json")

    asyncio.run(story())
