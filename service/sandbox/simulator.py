"""Runs the sandbox: one server that leads each request to the provider it is meant for."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import orjson

from service.sandbox.config import SandboxConfig
from service.sandbox.control import Control
from service.sandbox.heads import Heads
from service.sandbox.page import SHOWN, page, phone_page
from service.sandbox.parts import Parts, assemble
from service.sandbox.server import Connection, House
from service.sandbox.wire import Answer, Request, json_answer


async def serve(config: SandboxConfig, ready: Callable[[str], None] | None = None) -> None:
    """Run a sandbox until cancelled.

    `ready` is called once it listens, with one line of JSON: url, twilio_account_sid, twilio_auth_token,
    sendgrid_api_key and sendgrid_webhook_key (the public key, base64 DER). Raises FaultRuleError for faults that
    cannot be read, OSError where the port or the ledger's file cannot be had.
    """
    simulator = Simulator(assemble(config))
    try:
        await simulator.run(ready)
    finally:
        await simulator.close()


class Simulator:
    def __init__(self, parts: Parts) -> None:
        config = parts.config
        self._parts = parts
        self._control = Control(parts)
        self._house = House(self.handle, self._desert, config.max_body, config.hang_for, set(), Heads())

    async def run(self, ready: Callable[[str], None] | None) -> None:
        config = self._parts.config
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Connection(self._house), config.host, config.port, backlog=4096)
        try:
            host, port = server.sockets[0].getsockname()[:2]
            self._control.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
            if ready is not None:
                ready(orjson.dumps(self._parts.info(self._control.url)).decode())
            await asyncio.Event().wait()  # until cancelled
        finally:
            server.close()

    def handle(self, request: Request) -> Answer | Coroutine[Any, Any, Answer]:
        path = request.path
        if path.startswith("/2010-04-01/"):
            return self._parts.twilio.handle(request)
        if path.startswith("/v3/"):
            return self._parts.sendgrid.handle(request)
        if path.startswith("/sandbox/"):
            return self._control.handle(request)
        if path == "/" and request.method == b"GET":
            return page(self._parts.ledger.latest(SHOWN), self._parts.ledger.stats())
        if path == "/phone" and request.method == b"GET":
            return phone_page({"from": "+447400123456", "to": self._parts.ledger.latest_sender()})
        return json_answer({"error": "no such address here"}, 404)

    def _desert(self, answer: Answer) -> None:
        if answer.line:
            self._parts.ledger.write_unanswered(answer.line)

    async def close(self) -> None:
        for connection in list(self._house.open):
            connection.abort()
        await self._parts.close()
