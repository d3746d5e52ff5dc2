"""Which channel carries which medium. A new channel is a module of its own and one line here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from pyreqwest.http import Url

from service.channels.base import Channel
from service.channels.http import HttpPool
from service.channels.outbox import Outbox
from service.errors import ConfigError, Problem
from service.types import Medium


class Mode(StrEnum):
    LIVE = "live"
    OUTBOX = "outbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelConfig:
    """What the channels need to know. Secrets never show in its repr."""

    mode: Mode
    twilio_account_sid: str = ""
    twilio_auth_token: str = field(default="", repr=False)
    twilio_base_url: str = "https://api.twilio.com"
    sendgrid_api_key: str = field(default="", repr=False)
    sendgrid_base_url: str = "https://api.sendgrid.com"
    sendgrid_webhook_key: str = ""
    """The public key of the signed event webhook; without it events are refused."""
    deadline: float = 15.0
    """Seconds from a send's start to the last byte of its answer."""
    pool_size: int = 256
    """Requests in flight at once; as many as dispatch has slots."""
    retry_after_cap: float = 3600.0
    """Seconds; the longest wait a provider may ask of us."""


@dataclass(frozen=True, slots=True)
class Channels:
    """The channels of this process. A medium without credentials is missing."""

    by_medium: Mapping[Medium, Channel]
    _pool: HttpPool | None = field(default=None, repr=False)

    def named(self, name: str) -> Channel | None:
        """The channel that takes the callbacks of a provider of this name."""
        return next((channel for channel in self.by_medium.values() if channel.name == name), None)

    async def close(self) -> None:
        """Closes the connections; a send still in flight ends as unknown."""
        if self._pool:
            await self._pool.close()


def _twilio(config: ChannelConfig, pool: HttpPool) -> Channel | None:
    if not _complete(TWILIO_ACCOUNT_SID=config.twilio_account_sid, TWILIO_AUTH_TOKEN=config.twilio_auth_token):
        return None
    from service.channels.twilio_sms import TwilioSms  # noqa: PLC0415 - Twilio's library takes a second to load

    return TwilioSms(
        pool,
        account_sid=config.twilio_account_sid,
        auth_token=config.twilio_auth_token,
        base_url=_base_url("TWILIO_BASE_URL", config.twilio_base_url),
        retry_after_cap=config.retry_after_cap,
    )


def _sendgrid(config: ChannelConfig, pool: HttpPool) -> Channel | None:
    if not _complete(SENDGRID_API_KEY=config.sendgrid_api_key):
        return None
    from service.channels.sendgrid_email import SendGridEmail  # noqa: PLC0415 - for those who use it

    return SendGridEmail(
        pool,
        api_key=config.sendgrid_api_key,
        base_url=_base_url("SENDGRID_BASE_URL", config.sendgrid_base_url),
        webhook_key=config.sendgrid_webhook_key,
        retry_after_cap=config.retry_after_cap,
    )


_LIVE: Final[Mapping[Medium, Callable[[ChannelConfig, HttpPool], Channel | None]]] = {
    Medium.SMS: _twilio,
    Medium.EMAIL: _sendgrid,
}


def open_channels(config: ChannelConfig) -> Channels:
    """Builds every channel that has credentials.

    Raises `ConfigError`: `no-credentials` where live mode has none at all, `missing-credential` where half of a pair
    is given, `bad-credential`, `bad-base-url`, `bad-webhook-key`.
    """
    if config.mode is Mode.OUTBOX:
        return Channels(MappingProxyType({medium: Outbox(medium) for medium in Medium}))
    pool = HttpPool(deadline=config.deadline, size=config.pool_size)
    built = {medium: build(config, pool) for medium, build in _LIVE.items()}
    live = {medium: channel for medium, channel in built.items() if channel}
    if not live:
        raise ConfigError(
            Problem(
                "no-credentials",
                "TWILIO_ACCOUNT_SID, SENDGRID_API_KEY",
                "Live channels need credentials of a provider; AFTERCARE_CHANNELS=outbox sends nothing.",
            )
        )
    return Channels(MappingProxyType(live), pool)


def _complete(**credentials: str) -> bool:
    """Whether all are given; none at all means that the provider is not used."""
    missing = [name for name, value in credentials.items() if not value]
    if len(missing) == len(credentials):
        return False
    for name in missing:
        raise ConfigError(Problem("missing-credential", name, "Its counterpart is set: this one is needed too."))
    for name, value in credentials.items():
        # They travel in HTTP headers. Half a copied line break would make every send fail.
        if not value.isascii() or not value.isprintable() or " " in value:
            raise ConfigError(Problem("bad-credential", name, "This has a space, a line break or a foreign character."))
    return True


def _base_url(name: str, url: str) -> str:
    if Url.is_valid(url) and (parsed := Url(url)).scheme in {"http", "https"} and not parsed.query_string:
        return url
    raise ConfigError(Problem("bad-base-url", name, "This takes an address such as https://api.example.com."))
