"""A sandbox in this process, on a free loopback port, spoken to by real HTTP.

    async with running_sandbox(faults="twilio:reset-after=1") as sandbox:
        ...  # point TWILIO_BASE_URL and SENDGRID_BASE_URL at sandbox.url
        assert (await sandbox.stats())["accepted"] == 1

By default every status and event comes at once; settings of `SandboxConfig` override that.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from pyreqwest.client import Client, ClientBuilder

from service import clock
from service.sandbox import SandboxConfig, serve

AT_ONCE = {"sent_after": 0.0, "delivered_after": 0.0, "batch_window": 0.0, "retry_after": 0.0}


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What a test needs to know of a running sandbox, and its control API as methods."""

    url: str
    account_sid: str
    auth_token: str
    api_key: str
    sendgrid_public_key: str
    client: Client

    async def ledger(self, after: int = 0) -> list[dict[str, Any]]:
        """Its lines, oldest first; those after line `after`."""
        response = await self.client.get(f"{self.url}/sandbox/ledger?after={after}").build().send()
        return [orjson.loads(line) for line in (await response.text()).splitlines()]

    async def stats(self) -> dict[str, Any]:
        return await self._call("GET", "stats")  # type: ignore[no-any-return]

    async def faults(self) -> list[dict[str, Any]]:
        return await self._call("GET", "faults")  # type: ignore[no-any-return]

    async def set_faults(self, *rules: str | dict[str, Any]) -> list[dict[str, Any]]:
        """Replace all rules: by strings (`reset-after=0.02,429=0.01`) or objects (fault, provider, to, count, ...)."""
        await self.clear_faults()
        for rule in rules:
            await self._call("POST", "faults", {"spec": rule} if isinstance(rule, str) else rule)
        return await self.faults()

    async def clear_faults(self) -> None:
        await self._call("DELETE", "faults")

    async def send_inbound(self, url: str, *, number: str, body: str, **more: str) -> dict[str, Any]:
        """A text from a phone, posted to `url`; more: `to`, `service`, `sid`. Tells sid, status, answer."""
        return await self._call("POST", "inbound", {"url": url, "from": number, "body": body, **more})  # type: ignore[no-any-return]

    async def text(self, *, number: str, body: str, **more: str) -> dict[str, Any]:
        """The same to the inbound webhook."""
        return await self._call("POST", "inbound", {"from": number, "body": body, **more})  # type: ignore[no-any-return]

    async def post_texts_to(self, address: str) -> None:
        """Where texts from phones go from now on."""
        await self._call("POST", "webhooks", {"inbound": address})

    async def send_events_to(self, *addresses: str) -> None:
        """Where SendGrid's event webhook goes from now on."""
        await self._call("POST", "webhooks", {"sendgrid": list(addresses)})

    async def callbacks(self, after: int = 0) -> list[dict[str, Any]]:
        """What was posted, and the status it was answered with."""
        return await self._call("GET", f"callbacks?after={after}")  # type: ignore[no-any-return]

    async def settle(self) -> dict[str, int]:
        """Wait until no callback is on its way."""
        return await self._call("POST", "settle")  # type: ignore[no-any-return]

    async def mail(self, message: str) -> dict[str, Any]:
        """An accepted mail's JSON, as it came."""
        return await self._call("GET", f"mails/{message}")  # type: ignore[no-any-return]

    async def reset(self) -> None:
        await self._call("POST", "reset")

    async def _call(self, method: str, name: str, fields: dict[str, Any] | None = None) -> Any:
        request = self.client.request(method, f"{self.url}/sandbox/{name}")
        response = await (request if fields is None else request.body_bytes(orjson.dumps(fields))).build().send()
        text = await response.text()
        assert response.status == 200, f"{method} {name}: {response.status} {text}"
        return orjson.loads(text)


@asynccontextmanager
async def running_sandbox(**settings: Any) -> AsyncIterator[Sandbox]:
    """Runs until the block ends; an error at its start is raised here."""
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    config = SandboxConfig(**{"now": clock.now, **AT_ONCE, **settings})
    serving = asyncio.create_task(serve(config, ready.set_result))
    either: list[asyncio.Future[Any]] = [serving, ready]
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        await serving
    info = orjson.loads(ready.result())
    try:
        async with ClientBuilder().no_proxy().build() as client:
            yield Sandbox(
                info["url"],
                info["twilio_account_sid"],
                info["twilio_auth_token"],
                info["sendgrid_api_key"],
                info["sendgrid_webhook_key"],
                client,
            )
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
