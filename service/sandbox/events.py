"""SendGrid's event webhook: events gather into batches, each signed over its time and raw body."""

import asyncio
import base64
from typing import Any, TypeAlias

import orjson
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from service.sandbox.config import SandboxConfig
from service.sandbox.courier import Courier

Event: TypeAlias = dict[str, Any]

_BATCH = 1000
_TRIES = 5


class Signer:
    """A P-256 key pair, given as PEM or made for this run."""

    def __init__(self, pem: str | None) -> None:
        key = load_pem_private_key(pem.encode(), None) if pem else ec.generate_private_key(ec.SECP256R1())
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError("the webhook key must be an elliptic curve private key (P-256)")
        self._key = key

    @property
    def public_key(self) -> str:
        """Base64 of the DER, as SendGrid's settings page shows it."""
        der = self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(der).decode()

    def headers(self, body: bytes, timestamp: str) -> dict[str, str]:
        signature = self._key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        return {
            "Content-Type": "application/json;charset=utf-8",
            "User-Agent": "SendGrid Event API",
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
        }


class EventFeed:
    """Events happen when they are due, gather for the batch window, and go out together to every address."""

    def __init__(self, config: SandboxConfig, courier: Courier) -> None:
        self._config = config
        self._courier = courier
        self.signer = Signer(config.webhook_private_key)
        self.addresses: tuple[str, ...] = config.event_webhooks
        self.reset()

    def reset(self) -> None:
        """Forget what has not gone out; the courier calls off the errands."""
        self._batch: list[Event] = []

    def add(self, moves: list[tuple[float, Event]]) -> None:
        """Events with the seconds from now at which they happen; dropped where nobody listens."""
        if self._config.callbacks and self.addresses and moves:
            self._courier.begin(self._let_happen(moves))

    async def _let_happen(self, moves: list[tuple[float, Event]]) -> None:
        waited = 0.0
        for after, event in moves:
            await asyncio.sleep(after - waited)
            waited = after
            self._gather(event)

    def _gather(self, event: Event) -> None:
        self._batch.append(event)
        if len(self._batch) == 1:
            self._courier.begin(self._flush())

    async def _flush(self) -> None:
        await asyncio.sleep(self._config.batch_window)
        gathered, self._batch = self._batch, []
        for start in range(0, len(gathered), _BATCH):
            # The line break at the end is SendGrid's, and part of what is signed.
            body = orjson.dumps(gathered[start : start + _BATCH]) + b"\r\n"
            names = ",".join(event["event"] for event in gathered[start : start + _BATCH])
            for address in self.addresses:
                self._courier.begin(self._deliver(address, body, names))

    async def _deliver(self, address: str, body: bytes, names: str) -> None:
        """Post until the receiver takes it, with doubling pauses; a fresh signature each time."""
        for attempt in range(_TRIES):
            headers = self.signer.headers(body, str(int(self._config.now().timestamp())))
            reply = await self._courier.post(address, body, headers, names)
            if reply.ok or attempt == _TRIES - 1:
                return
            await asyncio.sleep(self._config.retry_after * 2**attempt)
