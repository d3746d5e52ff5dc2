"""Twilio's own client over our pool: it builds each request and reads its lists, and never sends by itself."""

import logging
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from service.channels.http import HttpPool, Reply
from service.values import value_type


@value_type
class Form:
    """The data of a send, which the library hands on to our HTTP client as it is.

    `start_before`: on `clock.monotonic()`, the instant after which the request is not started.
    """

    fields: Mapping[str, str] = field(repr=False)
    start_before: float


class Answer(Response):  # type: ignore[misc]  # twilio carries no types
    """An answer as the library reads it; `reply` is the whole of it."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status, reply.body.decode("utf-8", "replace"))
        self.reply = reply


def open_client(pool: HttpPool, account_sid: str, auth_token: str, base_url: str) -> Client:
    """A client of one account, whose requests go through our pool. What it posts is a `Form`; it answers `Answer`."""
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
    ) -> Answer:
        """What the library calls. Its timeout and redirects are left out: the pool has its own rules."""
        reply = await self._pool.request(
            method,
            uri,
            headers=headers or {},
            auth=auth,
            query=params,
            form=data.fields if data else None,
            start_before=data.start_before if data else None,
        )
        return Answer(reply)
