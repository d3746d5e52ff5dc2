"""Style, script and mark, served under an address that changes with their content, so browsers may keep them."""

import hashlib
import mimetypes
from pathlib import Path

from fastapi import APIRouter, Request, Response

from service.errors import NotFound, Problem

STATIC = Path(__file__).parent / "static"
PREFIX = "/console/static"
_FOREVER = "public, max-age=31536000, immutable"


def _read(folder: Path) -> dict[str, tuple[bytes, str]]:
    files = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}
    return {name: (content, hashlib.sha256(content).hexdigest()[:12]) for name, content in files.items()}


_FILES = _read(STATIC)


def static_url(name: str) -> str:
    return f"{PREFIX}/{name}?v={_FILES[name][1]}"


def static_routes(router: APIRouter) -> None:
    @router.get(PREFIX + "/{name}")
    async def static(request: Request, name: str) -> Response:
        if name not in _FILES:
            raise NotFound(Problem("not-found", name, "no such file"))
        content, version = _FILES[name]
        kept = _FOREVER if request.query_params.get("v") == version else "no-cache"
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return Response(content, media_type=kind, headers={"Cache-Control": kept, "X-Content-Type-Options": "nosniff"})
