"""Puts the sandbox together and runs it: both providers, one ledger, one set of faults, one server."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import orjson

from service.sandbox.callbacks import StatusCallbacks
from service.sandbox.config import SandboxConfig
from service.sandbox.control import Control
from service.sandbox.courier import Courier
from service.sandbox.events import EventFeed
from service.sandbox.faults import Faults
from service.sandbox.ledger import Ledger
from service.sandbox.page import SHOWN, page
from service.sandbox.rules import parse_rules
from service.sandbox.sendgrid import SendGrid
from service.sandbox.server import Connection, House
from service.sandbox.twilio import Twilio
from service.sandbox.wire import Answer, Request, json_answer


async def serve(config: SandboxConfig, ready: Callable[[str], None] | None = None) -> None:
    """Run a sandbox until cancelled.

    `ready` is called once it listens, with one line of JSON: url, twilio_account_sid, twilio_auth_token,
    sendgrid_api_key and sendgrid_webhook_key (the public key, base64 DER). Raises FaultRuleError for faults that cannot
    be read, OSError where the port or the ledger's file cannot be had.
    """
    simulator = Simulator(config)
    try:
        await simulator.run(ready)
    finally:
        await simulator.close()


class Simulator:
    def __init__(self, config: SandboxConfig) -> None:
        self._config = config
        self._url = ""
        self._faults = Faults(parse_rules(config.faults), config.seed)
        self._ledger = Ledger(config.ledger, config.now)
        self._courier = Courier(config.now)
        self._feed = EventFeed(config, self._courier)
        callbacks = StatusCallbacks(config, self._courier)
        self._twilio = Twilio(config, self._ledger, self._faults, callbacks)
        self._sendgrid = SendGrid(config, self._ledger, self._faults, self._feed)
        self._control = Control(
            info=self.info,
            ledger=self._ledger,
            faults=self._faults,
            courier=self._courier,
            callbacks=callbacks,
            feed=self._feed,
            twilio=self._twilio,
            sendgrid=self._sendgrid,
            reset=self.reset,
        )
        self._house = House(self.handle, self._desert, config.max_body, config.hang_for, set())

    async def run(self, ready: Callable[[str], None] | None) -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: Connection(self._house), self._config.host, self._config.port, backlog=4096
        )
        try:
            host, port = server.sockets[0].getsockname()[:2]
            self._url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
            if ready is not None:
                ready(orjson.dumps(self.info()).decode())
            await asyncio.Event().wait()  # until cancelled
        finally:
            server.close()

    def info(self) -> dict[str, Any]:
        """What a client needs in order to talk to this sandbox."""
        return {
            "url": self._url,
            "twilio_account_sid": self._config.account_sid,
            "twilio_auth_token": self._config.auth_token,
            "sendgrid_api_key": self._config.api_key,
            "sendgrid_webhook_key": self._feed.signer.public_key,
        }

    def handle(self, request: Request) -> Answer | Coroutine[Any, Any, Answer]:
        path = request.path
        if path.startswith("/2010-04-01/"):
            return self._twilio.handle(request)
        if path.startswith("/v3/"):
            return self._sendgrid.handle(request)
        if path.startswith("/sandbox/"):
            return self._control.handle(request)
        if path == "/" and request.method == b"GET":
            return page(self._ledger.latest(SHOWN), self._ledger.stats())
        return json_answer({"error": "no such address here"}, 404)

    def _desert(self, answer: Answer) -> None:
        if answer.line:
            self._ledger.write_unanswered(answer.line)

    def reset(self) -> None:
        """As just started: no messages, opt-outs or suppressions, the first faults; the ledger's file stays."""
        self._courier.reset()
        self._feed.reset()
        self._ledger.reset()
        self._faults.restart(parse_rules(self._config.faults))
        self._twilio.reset()
        self._sendgrid.reset()

    async def close(self) -> None:
        for connection in list(self._house.open):
            connection.abort()
        await self._courier.close()
        self._ledger.close()
