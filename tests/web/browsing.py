"""A browser, as far as the console needs one: cookies and the headers that tell where a request began."""

from typing import Any

from tests.web.fakes import ADMIN, World

OWN = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}


async def log_in(
    world: World, token: str = ADMIN, then: str = "/", **headers: str
) -> tuple[int, str, Any]:
    """Paste a token; status, body and headers of the answer."""
    form = {"token": token, "then": then}
    async with world.nobody.post(
        "/login", data=form, headers={**OWN, **headers}, allow_redirects=False
    ) as response:
        return response.status, await response.text(), response.headers


async def get(world: World, path: str, **headers: str) -> tuple[int, str]:
    async with world.nobody.get(
        path, headers={**OWN, **headers}, allow_redirects=False
    ) as response:
        return response.status, await response.text()


async def press(
    world: World, path: str, data: dict[str, str] | None = None, **headers: str
) -> tuple[int, str]:
    """Press a button; status and where it leads."""
    sent = headers or OWN
    async with world.nobody.post(
        path, data=data or {}, headers=sent, allow_redirects=False
    ) as response:
        return response.status, response.headers.get("Location", await response.text())
