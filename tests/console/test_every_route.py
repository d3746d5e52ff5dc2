"""Every address of the console, whichever there are: closed to who is not signed in, and to forms from elsewhere."""

from uuid import UUID

from fastapi.routing import APIRoute

from service.console.parts import ConsoleParts
from service.console.routes import console_router
from tests.console.conftest import Console, authors_of

OPEN = {"/", "/console/sign-in", "/console/static/{name}", "/console/{rest:path}"}
"""Whoever comes may see these, the last of which has nothing to show."""


def routes_of(console: Console) -> list[tuple[str, str]]:
    parts = ConsoleParts(
        database=console.database,
        protocols={},
        authors=authors_of(console.database),
        show=console.show,
        secret_keys=console.keys,
        sentences={},
    )
    return [
        (method, route.path)
        for route in console_router(parts).routes
        if isinstance(route, APIRoute)
        for method in sorted(route.methods or ())
    ]


def filled(path: str) -> str:
    for name in ("{attempt}", "{reminder}"):
        path = path.replace(name, str(UUID(int=7)))
    return path.replace("{", "").replace(":path}", "").replace("}", "")


async def test_who_is_not_signed_in_sees_nothing_and_forms_from_elsewhere_do_nothing(console: Console) -> None:
    stranger, owner, tried = console.visitor(), await console.signed_in(), 0
    for method, path in routes_of(console):
        tried += 1
        if method == "POST":
            for visitor in (stranger, owner):
                answer = await visitor.post(filled(path), {"sec-fetch-site": "cross-site"})
                assert answer.status == 403, (path, answer.status)
        elif path not in OPEN:
            answer = await stranger.get(filled(path))
            assert (answer.status, answer.headers.get("location")) == (303, "/console/sign-in"), path
    assert tried > 15


async def test_every_page_says_what_browsers_may_do_with_it(console: Console) -> None:
    owner = await console.signed_in()
    for method, path in routes_of(console):
        if method == "GET" and path not in OPEN:
            answer = await owner.get(filled(path))
            assert "default-src 'none'" in answer.headers["content-security-policy"], path
            assert answer.headers["x-content-type-options"] == "nosniff", path
            assert answer.headers["cache-control"] == "no-store", path
