"""The pages' style, and each clinic's colour, under addresses that change with them: browsers may keep them."""

import hashlib
import re
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Response

from service.errors import NotFound, Problem
from service.pages.brand import style

_STYLE: Final = (Path(__file__).parent / "static" / "client.css").read_bytes()
_VERSION: Final = hashlib.sha256(_STYLE).hexdigest()[:12]
_COLOUR: Final = re.compile(r"[0-9a-f]{6}")
_HEADERS: Final = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}


def static_path() -> str:
    """Of the style sheet, as client pages name it: from beside them, so that a prefix of the public address stays."""
    return f"../pages/{_VERSION}.css"


def static_routes(router: APIRouter) -> None:
    @router.get("/pages/brand/{colour}.css")
    async def brand(colour: str) -> Response:
        if not _COLOUR.fullmatch(colour):
            raise NotFound(Problem("not-found", "", "no such colour"))
        return Response(style(colour), media_type="text/css", headers=_HEADERS)

    @router.get("/pages/{version}.css")
    async def sheet(version: str) -> Response:
        """Whatever version is asked for, the one there is: an older page is better off with it than with none."""
        return Response(_STYLE, media_type="text/css", headers=_HEADERS if version == _VERSION else None)
