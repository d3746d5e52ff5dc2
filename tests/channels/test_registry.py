"""Which channels there are for which settings, and what is said where settings do not do."""

from typing import Any

import pytest

from service.channels.registry import ChannelConfig, Mode, open_channels
from service.errors import ConfigError
from service.types import Medium
from tests.channels.people import outgoing
from tests.channels.provider import provider, reply

TWILIO = {"twilio_account_sid": "AC" + "0" * 32, "twilio_auth_token": "tw-secret"}
SENDGRID = {"sendgrid_api_key": "SG.secret"}


def live(**fields: Any) -> ChannelConfig:
    return ChannelConfig(mode=Mode.LIVE, **fields)


@pytest.mark.parametrize(
    ("config", "names"),
    [
        (live(**TWILIO, **SENDGRID), {Medium.SMS: "twilio", Medium.EMAIL: "sendgrid"}),
        (live(**TWILIO), {Medium.SMS: "twilio"}),
        (live(**SENDGRID), {Medium.EMAIL: "sendgrid"}),
        (ChannelConfig(mode=Mode.OUTBOX), {Medium.SMS: "outbox", Medium.EMAIL: "outbox"}),
        (ChannelConfig(mode=Mode.OUTBOX, **TWILIO), {Medium.SMS: "outbox", Medium.EMAIL: "outbox"}),  # type: ignore[arg-type]
    ],
)
async def test_each_medium_has_the_channel_that_has_credentials(
    config: ChannelConfig, names: dict[Medium, str]
) -> None:
    channels = open_channels(config)
    assert {medium: channel.name for medium, channel in channels.by_medium.items()} == names
    await channels.close()


async def test_a_channel_is_found_by_its_providers_name() -> None:
    channels = open_channels(live(**TWILIO))
    assert channels.named("twilio") is channels.by_medium[Medium.SMS]
    assert channels.named("sendgrid") is None
    await channels.close()


@pytest.mark.parametrize(
    ("fields", "code", "where"),
    [
        ({}, "no-credentials", "TWILIO_ACCOUNT_SID, SENDGRID_API_KEY"),
        ({"twilio_account_sid": "AC1"}, "missing-credential", "TWILIO_AUTH_TOKEN"),
        ({"twilio_auth_token": "secret"}, "missing-credential", "TWILIO_ACCOUNT_SID"),
        (TWILIO | {"twilio_auth_token": "secret\n"}, "bad-credential", "TWILIO_AUTH_TOKEN"),
        ({"sendgrid_api_key": "SG. secret"}, "bad-credential", "SENDGRID_API_KEY"),
        ({"sendgrid_api_key": "SG.sécret"}, "bad-credential", "SENDGRID_API_KEY"),
        (TWILIO | {"twilio_base_url": "api.example.com"}, "bad-base-url", "TWILIO_BASE_URL"),
        (TWILIO | {"twilio_base_url": "ftp://api.example.com"}, "bad-base-url", "TWILIO_BASE_URL"),
        (SENDGRID | {"sendgrid_base_url": "https://x/?a=b"}, "bad-base-url", "SENDGRID_BASE_URL"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(fields: dict[str, str], code: str, where: str) -> None:
    with pytest.raises(ConfigError) as caught:
        open_channels(live(**fields))
    assert (caught.value.code, caught.value.problems[0].where) == (code, where)
    assert "ecret" not in str(caught.value)


async def test_secrets_never_show() -> None:
    config = live(**TWILIO, **SENDGRID)
    channels = open_channels(config)
    for shown in (config, channels, *channels.by_medium.values()):
        assert "secret" not in f"{shown!r} {shown}"
    await channels.close()


async def test_a_trailing_slash_of_a_base_address_does_not_matter() -> None:
    async with provider(reply(202, X_Message_Id="m-1")) as server:
        channels = open_channels(live(**SENDGRID, sendgrid_base_url=f"{server.url}/"))
        await channels.by_medium[Medium.EMAIL].send(outgoing(Medium.EMAIL))
        await channels.close()
    assert [asked.target for asked in server.asked] == ["/v3/mail/send"]
