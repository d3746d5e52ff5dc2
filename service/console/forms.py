"""What pages post to us: small forms, from our own pages alone."""

from urllib.parse import parse_qs

from fastapi import Request

from service.console.desk import not_found

_LARGEST_FORM = 4_096


async def read_form(request: Request, limit: int = _LARGEST_FORM) -> dict[str, str]:
    """The fields of a form, the first of each name; read with a limit, as strangers knock here too."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise not_found()
    return {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
