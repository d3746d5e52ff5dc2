"""Callbacks over HTTP: signed by the provider, applied once, refused otherwise; with a database that is away, a 5xx."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlencode

import orjson
import pytest
from fastapi import FastAPI
from pyreqwest.client import Client, ClientBuilder
from twilio.request_validator import RequestValidator

from service import clock
from service.channels.registry import ChannelConfig, Mode, open_channels
from service.http import problems
from service.http.callbacks import BODY_LIMIT, callbacks_router
from service.receipts import Receipts
from service.sandbox.events import Signer
from service.store.tables import Attempt, ParkedReceipt
from service.types import Accepted, Medium
from service.web import WebServer
from tests.dispatch.acting import day_one_due, on_sqlite, says, the
from tests.support.house import House

PUBLIC = "https://care.example.com"
TOKEN_SECRET = "sandbox-auth-token"
SID = "SM" + "1a" * 16
SIGNER = Signer(None)
CONFIG = ChannelConfig(
    mode=Mode.LIVE,
    twilio_account_sid="AC" + "5a" * 16,
    twilio_auth_token=TOKEN_SECRET,
    sendgrid_api_key="SG.sandbox",
    sendgrid_webhook_key=SIGNER.public_key,
)
EVENTS = "/callbacks/sendgrid/events/email"


@dataclass(frozen=True)
class Told:
    status: int
    code: str = ""


@dataclass(frozen=True)
class Web:
    address: str
    client: Client

    async def post(self, path: str, body: bytes, headers: dict[str, str]) -> Told:
        response = await self.client.post(self.address + path).headers(headers).body_bytes(body).build().send()
        text = await response.text()
        return Told(response.status, orjson.loads(text)["code"] if text else "")


@asynccontextmanager
async def reporting(house: House, public_url: str = PUBLIC) -> AsyncIterator[Web]:
    """The routes behind a real server, with the real channels."""
    channels = open_channels(CONFIG)
    by_name = {channel.name: channel for channel in channels.by_medium.values()}
    app = FastAPI()
    problems.install(app)
    app.include_router(callbacks_router(by_name, Receipts(house.database), public_url))
    server = WebServer(app, "127.0.0.1", 0)
    running = asyncio.create_task(server.run())
    try:
        async with ClientBuilder().no_proxy().build() as client:
            yield Web(f"http://127.0.0.1:{server.port}", client)
    finally:
        server.stop()
        await running
        await channels.close()


async def sent(house: House, medium: Medium = Medium.SMS) -> str:
    """Day 1's message is out; its attempt's token."""
    await day_one_due(house, client__phone=None if medium is Medium.EMAIL else "+447400123456")
    says(house, medium, Accepted(SID))
    (intent,) = (await house.dispatch()).intents
    return intent.outgoing.token


async def twilio_says(web: Web, path: str, status: str, *, signed_for: str = "", **more: str) -> Told:
    fields = {"MessageSid": SID, "MessageStatus": status, **more}
    signature = RequestValidator(TOKEN_SECRET).compute_signature(signed_for or PUBLIC + path, fields)
    kind = "application/x-www-form-urlencoded"
    headers = {"X-Twilio-Signature": signature, "Content-Type": kind}
    return await web.post(path, urlencode(fields).encode(), headers)


async def sendgrid_says(web: Web, *events: dict[str, object], age: float = 0.0) -> Told:
    body = orjson.dumps(events)
    headers = SIGNER.headers(body, str(int(clock.now().timestamp() - age)))
    return await web.post(EVENTS, body, headers)


@on_sqlite
async def test_a_signed_status_is_applied_and_its_repeats_answered_alike(house: House) -> None:
    path = f"/callbacks/twilio/status/{await sent(house)}"
    async with reporting(house) as web:
        for status in ("delivered", "sent", "delivered"):
            assert (await twilio_says(web, path, status)).status == 204
    assert (await the(house)).state == "delivered"


@on_sqlite
@pytest.mark.parametrize(
    ("path", "signed_for"),
    [
        ("/callbacks/twilio/status/{token}", "https://elsewhere.example.com/callbacks/twilio/status/{token}"),
        ("/callbacks/twilio/status/{token}", PUBLIC + "/callbacks/twilio/status/another"),
        ("/callbacks/twilio/status/{token}?x=1", PUBLIC + "/callbacks/twilio/status/{token}"),
    ],
)
async def test_what_was_signed_for_another_address_changes_nothing(house: House, path: str, signed_for: str) -> None:
    token = await sent(house)
    async with reporting(house) as web:
        answer = await twilio_says(
            web, path.format(token=token), "delivered", signed_for=signed_for.format(token=token)
        )
    assert answer == Told(403, "bad-signature")
    assert (await the(house)).state == "sent"


@on_sqlite
async def test_a_status_about_nothing_of_ours_is_taken_and_parked(house: House) -> None:
    await day_one_due(house)
    async with reporting(house) as web:
        assert (await twilio_says(web, "/callbacks/twilio/status/nobody", "delivered")).status == 204
    (parked,) = await house.rows(ParkedReceipt)
    assert (parked.token, parked.provider_id, parked.state) == ("nobody", SID, "delivered")


@on_sqlite
async def test_sendgrids_events_are_taken_while_fresh_also_again_and_refused_when_old(house: House) -> None:
    token = await sent(house, Medium.EMAIL)
    event = {"event": "delivered", "aftercare_token": token, "sg_event_id": "e1", "timestamp": 1}
    async with reporting(house) as web:
        for age in (301, 86_400, -330):
            assert await sendgrid_says(web, event, age=age) == Told(403, "bad-signature")
        assert (await the(house)).state == "sent"
        for age in (200, 0, 0):
            assert (await sendgrid_says(web, event, age=age)).status == 204
    assert (await the(house)).state == "delivered"
    assert len(await house.rows(Attempt)) == 1


@on_sqlite
async def test_a_callback_beyond_all_measure_is_refused(house: House) -> None:
    async with reporting(house) as web:
        answer = await web.post(EVENTS, b"x" * (BODY_LIMIT + 1), {})
    assert answer == Told(422, "body-too-large")


async def test_while_the_database_is_away_the_provider_is_told_to_come_again(house: House) -> None:
    path = f"/callbacks/twilio/status/{await sent(house)}"
    async with reporting(house) as web:
        async with house.database.write() as connection:
            await connection.exec_driver_sql("ALTER TABLE attempt RENAME TO attempt_away")
        answer = await twilio_says(web, path, "delivered")
        assert answer.status >= 500
        async with house.database.write() as connection:
            await connection.exec_driver_sql("ALTER TABLE attempt_away RENAME TO attempt")
        assert (await twilio_says(web, path, "delivered")).status == 204
    assert (await the(house)).state == "delivered"


@on_sqlite
async def test_without_a_public_address_nothing_is_taken(house: House) -> None:
    async with reporting(house, public_url="") as web:
        assert await web.post(EVENTS, b"[]", {}) == Told(404, "not-found")
