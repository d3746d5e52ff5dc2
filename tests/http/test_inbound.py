"""The address that a provider posts clients' texts to: only what it signed, only what was written to that clinic."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlencode

import pytest
from fastapi import FastAPI
from pyreqwest.client import ClientBuilder
from twilio.request_validator import RequestValidator

from service.channels.registry import ChannelConfig, Mode, open_channels
from service.http import problems
from service.http.inbound import inbound_router
from service.replies import Replies
from service.store.tables import Recipient, Reply
from service.types import Medium
from service.web import WebServer
from tests.dispatch.acting import on_sqlite
from tests.replies.texting import ADA, CLINIC
from tests.support.house import House

PUBLIC = "https://aftercare.example.com"
TOKEN = "sandbox-auth-token"
FIELDS = {"MessageSid": "SM1", "From": ADA, "To": CLINIC, "Body": "stop please", "NumMedia": "1"}


@asynccontextmanager
async def listening(house: House, public_url: str = PUBLIC) -> AsyncIterator[str]:
    """The route behind a real server; its address on this machine."""
    config = ChannelConfig(mode=Mode.LIVE, twilio_account_sid="AC" + "5a" * 16, twilio_auth_token=TOKEN)
    channels = open_channels(config)
    app = FastAPI()
    problems.install(app)
    app.include_router(inbound_router({"twilio": channels.by_medium[Medium.SMS]}, Replies(house.database), public_url))
    server = WebServer(app, "127.0.0.1", 0)
    running = asyncio.create_task(server.run())
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.stop()
        await running
        await channels.close()


async def post(
    address: str, path: str, fields: dict[str, str], *, signed_for: str = "", token: str = TOKEN
) -> tuple[int, str, str]:
    """Post as Twilio does: signed over the public address, whatever stands between it and us."""
    signature = RequestValidator(token).compute_signature(signed_for or f"{PUBLIC}{path}", fields)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
    async with ClientBuilder().no_proxy().build() as client:
        request = client.post(f"{address}{path}").headers(headers).body_bytes(urlencode(fields).encode()).build()
        response = await request.send()
        return response.status, response.headers["content-type"], await response.text()


@on_sqlite
async def test_a_signed_text_is_taken_in_and_answered_with_what_we_owe(house: House) -> None:
    async with listening(house) as address:
        owed = await post(address, "/callbacks/twilio/inbound/glow.sms", FIELDS)
        again = await post(address, "/callbacks/twilio/inbound/glow.sms", FIELDS)
        silent = await post(address, "/callbacks/twilio/inbound/glow.sms", FIELDS | {"MessageSid": "SM2", "Body": "4"})
    assert owed[:2] == (200, "text/xml; charset=utf-8")
    assert "<Message>Glow Clinic: you will get no more texts from us." in owed[2]
    assert again[2].endswith("<Response />")
    assert silent[2].endswith("<Response />")
    assert [(row.provider_id, row.kind, row.media) for row in await house.rows(Reply)] == [
        ("SM1", "opt-out", 1), ("SM2", "answer", 1)
    ]  # fmt: skip


@on_sqlite
@pytest.mark.parametrize(
    ("path", "changes", "how", "status"),
    [
        ("glow.sms", {}, {"token": "another account's"}, 403),
        ("glow.sms", {}, {"signed_for": "http://127.0.0.1/callbacks/twilio/inbound/glow.sms"}, 403),
        ("glow.sms", {}, {"signed_for": f"{PUBLIC}/callbacks/twilio/inbound/lumen.sms"}, 403),
        ("glow.sms", {"To": "+447400999999"}, {}, 404),
        ("lumen.sms", {}, {}, 404),
        ("glow.email", {}, {}, 404),
        ("glow", {}, {}, 404),
        ("glow.sms", {"MessageSid": ""}, {}, 422),
    ],
)
async def test_what_was_not_signed_or_written_to_another_changes_nothing(
    house: House, path: str, changes: dict[str, str], how: dict[str, str], status: int
) -> None:
    async with listening(house) as address:
        answer = await post(address, f"/callbacks/twilio/inbound/{path}", FIELDS | changes, **how)
    assert (answer[0], answer[1]) == (status, "application/problem+json")
    assert await house.rows(Reply) == []
    assert await house.rows(Recipient) == []


@on_sqlite
async def test_nobody_listens_without_a_public_address_or_by_another_name(house: House) -> None:
    async with listening(house, public_url="") as address:
        assert (await post(address, "/callbacks/twilio/inbound/glow.sms", FIELDS))[0] == 404
    async with listening(house) as address:
        assert (await post(address, "/callbacks/sendgrid/inbound/glow.sms", FIELDS))[0] == 404
