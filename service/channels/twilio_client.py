"""Twilio's own client over our pool: it makes each request and reads its lists, and never sends by itself."""

import logging
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from service.channels.http import Endpoint, HttpPool, Reply
from service.values import value_type


@value_type
class Form:
    """The data of a send, which the library hands on to our HTTP client as it is.

    `start_before`: on `clock.monotonic()`, the instant after which the request is not started.
    """

    body: bytes = field(repr=False)
    start_before: float


class Answer(Response):  # type: ignore[misc]  # twilio carries no types
    """An answer to a send; the library does not read it."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply


def open_client(pool: HttpPool, account_sid: str, auth_token: str, base_url: str) -> Client:
    """A client of one account, whose requests go through our pool. What it posts is a `Form`, and gets an `Answer`."""
    client = _Client(
        account_sid,
        auth_token,
        http_client=_Pooled(pool),
        # An empty one would make it read TWILIO_EDGE and TWILIO_REGION, which rewrite the base address.
        environment={"TWILIO_EDGE": "", "TWILIO_REGION": ""},
    )
    client.api.base_url = base_url
    return client


class _Client(Client):  # type: ignore[misc]  # twilio carries no types
    """Twilio's client, which for every request asks the platform for its name anew."""

    _made: Mapping[str, str] | None = None

    def get_headers(self, method: str, headers: dict[str, str] | None) -> dict[str, str]:
        if self._made is None:
            self._made = super().get_headers("POST", {})
        return {**self._made, **(headers or {})}


class _Pooled(AsyncHttpClient):  # type: ignore[misc]  # twilio carries no types
    """Twilio's HTTP client over our pool. Logs nothing: the stock ones log numbers and texts."""

    def __init__(self, pool: HttpPool) -> None:
        super().__init__(logging.getLogger(__name__), is_async=True)
        self._pool = pool
        self._endpoints: dict[str, Endpoint] = {}
        """By URL: there is one, where this account's messages are made."""

    async def request(
        self,
        method: str,
        uri: str,
        *,
        params: Mapping[str, Any] | None = None,
        data: Form | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        **_: object,
    ) -> Response:
        """What the library calls. Its timeout and redirects are left out: the pool has its own rules."""
        if data is not None:
            return Answer(await self._pool.post(self._endpoint(uri, headers or {}, auth), data.body, data.start_before))
        reply = await self._pool.ask(method, uri, headers=headers or {}, auth=auth, query=params)
        return Response(reply.status, reply.body.decode("utf-8", "replace"))

    def _endpoint(self, uri: str, headers: Mapping[str, str], auth: tuple[str, str] | None) -> Endpoint:
        if uri not in self._endpoints:
            self._endpoints[uri] = self._pool.endpoint(uri, headers, auth)
        return self._endpoints[uri]
