"""Twilio's own client over our pool: it says what requests carry and reads its lists, and never sends by itself."""

import logging
from collections.abc import Mapping
from typing import Any

from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from service.channels.http import HttpPool


def open_client(pool: HttpPool, account_sid: str, auth_token: str, base_url: str) -> Client:
    """A client of one account, which asks through our pool. It cannot send: that is `HttpPool.post`."""
    client = Client(
        account_sid,
        auth_token,
        http_client=_Pooled(pool),
        # An empty one would make it read TWILIO_EDGE and TWILIO_REGION, which rewrite the base address.
        environment={"TWILIO_EDGE": "", "TWILIO_REGION": ""},
    )
    client.api.base_url = base_url
    return client


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
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        **_: object,
    ) -> Response:
        """What the library calls. Its timeout and redirects are left out: the pool has its own rules."""
        reply = await self._pool.ask(method, uri, headers=headers or {}, auth=auth, query=params)
        return Response(reply.status, reply.body.decode("utf-8", "replace"))
