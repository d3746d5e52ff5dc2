"""Twilio's own client over our pool: it builds each request and reads each answer, and never sends by itself."""

import logging
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from service.channels.http import HttpPool, Reply


@dataclass(slots=True)
class Call:
    """What one send tells our HTTP client, and learns from it, past the library between them."""

    start_before: float | None
    reply: Reply | None = None


current: ContextVar[Call] = ContextVar("twilio call")


def open_client(pool: HttpPool, account_sid: str, auth_token: str, base_url: str) -> Client:
    """A client of one account, whose requests go through our pool."""
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
    """Twilio's client: for every request it asks the platform for its name anew, and copies the form value by value."""

    _made: Mapping[str, str] | None = None

    def get_headers(self, method: str, headers: dict[str, str] | None) -> dict[str, str]:
        if self._made is None:
            self._made = super().get_headers("POST", {})
        return {**self._made, **(headers or {})}

    def copy_non_none_values(self, data: Any) -> Any:
        """What we send holds no None, so nothing is left out of it."""
        return data


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
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        **_: object,
    ) -> Response:
        """What the library calls. Its timeout and redirects are left out: the pool has its own rules."""
        call = current.get()
        call.reply = await self._pool.request(
            method, uri, headers=headers or {}, auth=auth, query=params, form=data, start_before=call.start_before
        )
        return Response(call.reply.status, call.reply.body.decode("utf-8", "replace"))
