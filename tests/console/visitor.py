"""Someone who reads pages without a browser: calls the ASGI application itself and keeps cookies."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from urllib.parse import unquote, urlencode, urlsplit

from fastapi import FastAPI

from service.console.address import sign_in_path

HOST = "console.example"
FROM_HERE = {"sec-fetch-site": "same-origin"}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str


@dataclass
class Visitor:
    app: FastAPI
    cookies: dict[str, str] = field(default_factory=dict)
    set_cookie: str = ""
    """The last Set-Cookie header, attributes included."""

    async def get(self, address: str) -> Answer:
        return await self._ask("GET", address, b"", {})

    async def post(self, address: str, headers: Mapping[str, str] = FROM_HERE, **form: str) -> Answer:
        body = urlencode(form).encode()
        return await self._ask("POST", address, body, {"content-type": "application/x-www-form-urlencoded", **headers})

    async def sign_in(self, token: str) -> Answer:
        page = await self.get(sign_in_path(token))
        assert token in page.text
        return await self.post("/console/sign-in", token=token)

    async def _ask(self, method: str, address: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        parts = urlsplit(address)
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {"host": HOST, "cookie": cookie, **headers}
        scope = {
            "type": "http",
            "method": method,
            "path": unquote(parts.path),
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
            "scheme": "http",
            "server": (HOST, 80),
            "root_path": "",
        }
        return self._read(await _called(self.app, scope, body))

    def _read(self, messages: list[Mapping[str, object]]) -> Answer:
        start = messages[0]
        pairs = start["headers"]
        assert isinstance(pairs, list)
        headers = {name.decode(): value.decode() for name, value in pairs}
        self._keep(headers.get("set-cookie", ""))
        text = b"".join(part for message in messages[1:] if isinstance(part := message.get("body"), bytes)).decode()
        status = start["status"]
        assert isinstance(status, int)
        return Answer(status, headers, text)

    def _keep(self, header: str) -> None:
        self.set_cookie = header or self.set_cookie
        for name, morsel in SimpleCookie(header).items():
            if morsel["max-age"] == "0":
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = morsel.value


async def _called(app: FastAPI, scope: Mapping[str, object], body: bytes) -> list[Mapping[str, object]]:
    sent: list[Mapping[str, object]] = []

    async def receive() -> Mapping[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Mapping[str, object]) -> None:
        sent.append(message)

    await app(dict(scope), receive, send)  # type: ignore[arg-type]
    return sent
