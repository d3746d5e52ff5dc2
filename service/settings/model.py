"""Every setting by name, with its default, its form and what it is for.

The defaults here and those written out in `config/aftercare.toml` are the same; a test holds them together.
"""

from datetime import time, timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from service.errors import ConfigError, Problem
from service.settings import forms
from service.settings.forms import Accepts, Length, Whole

PREFIX = "AFTERCARE_"
DATABASE_MISSING = Problem(
    "missing-setting", "DATABASE_URL", "is not set: give postgresql://user:password@host/name or sqlite:///file.db"
)


class Channels(StrEnum):
    """`live` sends through the providers; `outbox` keeps every message in the house."""

    LIVE = "live"
    OUTBOX = "outbox"


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Worker(_Section):
    """The process that sends."""

    slots: Whole = Field(1_000, ge=1, le=10_000)
    """Sends in flight at once; after a kill at most so many outcomes are unknown."""
    batch: Whole = Field(500, ge=1, le=5_000)
    """Reminders started in one transaction."""
    tick: Length = timedelta(seconds=10)
    """How often it looks for due reminders even when nothing woke it."""
    drain: Length = timedelta(seconds=25)
    """How long SIGTERM waits for sends in flight."""


class Sending(_Section):
    """The way of one message to its provider."""

    deadline: Length = timedelta(seconds=15)
    """A send ends by then, one way or the other."""
    lease: Length = timedelta(seconds=60)
    """A worker owns what it started for so long; after it the outcome counts as unknown."""
    look_up_after: Length = timedelta(minutes=20)
    """When a provider's records are first asked about an unknown outcome: they lag by up to 15 minutes."""
    settle_every: Length = timedelta(milliseconds=50)
    settle_at: Whole = Field(500, ge=1, le=5_000)
    """Results are written this often, or once so many wait, whichever is first."""
    retry_base: Length = timedelta(seconds=5)
    retry_cap: Length = timedelta(minutes=15)
    """Retries back off from the base, doubling up to the cap, with full jitter."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.deadline < self.lease < self.look_up_after:
            raise ValueError("deadline must be shorter than lease, and lease shorter than look_up_after")
        if self.retry_base > self.retry_cap:
            raise ValueError("retry_base must not be longer than retry_cap")
        return self


class Receipts(_Section):
    """What providers report later, what is asked where they do not, and what follows."""

    poll_after: Length = timedelta(minutes=30)
    """A message without a last word is asked about for the first time; then at twice that age, and so on."""
    poll_alone_after: Length = timedelta(minutes=1)
    """The same without a PUBLIC_URL, where asking is the only way to know."""
    final_after: Length = timedelta(hours=72)
    """A message that is only sent by then stays so: nobody asks any more."""
    texts_every: Length = timedelta(hours=1)
    """How often each number's texts are asked for, should one not have reached us."""
    texts_alone_every: Length = timedelta(minutes=1)
    """The same without a PUBLIC_URL, where asking is the only way to hear them."""
    parked_for: Length = timedelta(days=3)
    """A receipt that names no message of ours is kept so long, should one appear."""
    parked_most: Whole = Field(10_000, ge=0, le=1_000_000)
    """More of them are not kept."""
    silence: Length = timedelta(minutes=60)
    """A letter whose answer was lost never left if nothing is heard of it for so long, while others are."""
    try_again_after: Length = timedelta(hours=1)
    """A phone that was off, a mail server that said no for now: tried twice more, each time after this."""
    slow_for: Length = timedelta(minutes=5)
    """A sender with too much to send starts nothing for so long."""
    refusals: Whole = Field(5, ge=1, le=10_000)
    """Carriers' refusals of the same words within a day after which these words are held back."""


class Recovery(_Section):
    """Senders that are refused, and what happened while nobody was looking."""

    probe_after: Length = timedelta(minutes=5)
    probe_gap: Length = timedelta(minutes=60)
    """A refused sender is tried again after the first, then after twice as long each time, at most after the second."""
    outage: Length = timedelta(hours=1)
    """After so long without a heartbeat the providers' records are compared with ours before anything is sent."""


class Caps(_Section):
    """How often a client hears from a clinic at most, by purpose. Same-day safety advice is not counted."""

    care: Whole = Field(3, ge=1, le=100)
    care_within: Length = timedelta(hours=24)
    rebook: Whole = Field(1, ge=1, le=100)
    rebook_within: Length = timedelta(days=7)
    review: Whole = Field(1, ge=1, le=100)
    review_within: Length = timedelta(days=90)


class Retention(_Section):
    """How long personal data is kept; what counts is kept without it. An erasure does not wait for any of this."""

    messages: Length = timedelta(days=180)
    """What a message said and where it went."""
    receipts: Length = timedelta(days=400)
    """The provider's own id of a message, and how an unknown outcome was resolved."""
    replies: Length = timedelta(days=365)
    """What clients wrote, and from where."""
    events: Length = timedelta(days=180)
    """What the clinic's system reported, as it came."""
    notes: Length = timedelta(days=400)
    """A treatment's note, once nothing of it is to come."""
    audit: Length = timedelta(days=730)
    """Who read or changed what."""

    @model_validator(mode="after")
    def _of_use(self) -> Self:
        if min(self.messages, self.receipts, self.replies, self.events, self.notes, self.audit) < timedelta(days=30):
            raise ValueError("each must be at least 30 days: until then answers, receipts and unsubscribing need it")
        return self


class Pumping(_Section):
    """What holds texts to numbers that nobody asked for: see docs/security.md."""

    phone: Whole = Field(10, ge=1, le=100)
    """Texts to one number within `phone_within`, whoever has it."""
    phone_within: Length = timedelta(hours=24)
    clinic: Whole = Field(5_000, ge=1, le=100_000_000)
    """Segments that a clinic texts in 24 hours, where its sender has no daily cap of its own."""
    block: Whole = Field(50, ge=2, le=10_000)
    """New numbers that share all but their last four digits, reported within an hour: then texts wait for a person."""


class Intake(_Section):
    """What comes in."""

    batch: Whole = Field(200, ge=1, le=5_000)
    """Events recorded in one transaction."""
    body_limit: forms.Size = 1024**2
    """The largest request body, in bytes."""
    batch_limit: Whole = Field(1_000, ge=1, le=10_000)
    """Events in one request."""
    future_tolerance: Length = timedelta(hours=24)
    """An event dated further ahead than this is refused."""


class Api(_Section):
    """How much one key may ask of one web process: a bucket that holds `burst` requests and fills by `rate` a second.

    Generous, since each process counts for itself: it stops a client that has run wild, and is no price list.
    """

    rate: Whole = Field(1_000, ge=1, le=1_000_000)
    burst: Whole = Field(5_000, ge=1, le=1_000_000)


class Web(_Section):
    """How patient the web process is with those who call it."""

    headers_within: Length = timedelta(seconds=10)
    """A request's headers, from the connection or the last answer on."""
    headers_limit: forms.Size = 32 * 1024
    """All of them together, in bytes."""
    body_within: Length = timedelta(seconds=30)
    """A request's body, from its headers on."""
    answer_within: Length = timedelta(seconds=60)
    """How long nobody may take what is sent to them."""


class Writing(_Section):
    """What authors of messages are warned of."""

    segments: Whole = Field(2, ge=1, le=10)
    """An SMS that takes more of them."""


class QuietHours(_Section):
    """When no SMS is sent, in the reader's local time: `sms_start` on, and before `sms_end`. A clinic may differ."""

    sms_start: forms.WallTime = time(20)
    sms_end: forms.WallTime = time(9)

    @model_validator(mode="after")
    def _not_the_whole_day(self) -> Self:
        if self.sms_start == self.sms_end:
            raise ValueError("sms_start and sms_end must differ: the same time would be all day or never")
        return self


class DatabaseLimits(_Section):
    """What the database does to a session that forgot it."""

    idle_in_transaction: Length = timedelta(seconds=10)
    """PostgreSQL ends a session that idles in a transaction for longer."""


class Settings(BaseSettings):
    """All settings. Reads nothing by itself (`load` does), cannot be changed, and never shows a secret."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
        dotenv_filtering="only_existing",
        validate_by_name=True,
        loc_by_alias=False,
        frozen=True,
        extra="forbid",
        str_strip_whitespace=True,
        hide_input_in_errors=True,
    )

    database_url: forms.DatabaseAddress | None = Field(None, validation_alias="DATABASE_URL")
    host: forms.Host = "127.0.0.1"
    """Where the web process listens; the role `web` listens everywhere unless told otherwise."""
    port: Whole = Field(8000, ge=0, le=65_535, validation_alias="PORT")
    public_url: forms.WebAddress | None = Field(None, validation_alias="PUBLIC_URL")
    """Our address as the world sees it; without it no provider can report back, and messages carry no links to us."""

    twilio_account_sid: forms.AccountSid | None = Field(None, validation_alias="TWILIO_ACCOUNT_SID")
    twilio_auth_token: forms.Token | None = Field(None, validation_alias="TWILIO_AUTH_TOKEN")
    twilio_messaging_service_sid: forms.ServiceSid | None = Field(None, validation_alias="TWILIO_MESSAGING_SERVICE_SID")
    twilio_from: forms.Phone | None = Field(None, validation_alias="TWILIO_FROM")
    twilio_base_url: forms.WebAddress = Field("https://api.twilio.com", validation_alias="TWILIO_BASE_URL")
    sendgrid_api_key: forms.Token | None = Field(None, validation_alias="SENDGRID_API_KEY")
    sendgrid_from: forms.Mailbox | None = Field(None, validation_alias="SENDGRID_FROM")
    sendgrid_base_url: forms.WebAddress = Field("https://api.sendgrid.com", validation_alias="SENDGRID_BASE_URL")
    sendgrid_webhook_key: forms.PublicKey | None = Field(None, validation_alias="SENDGRID_WEBHOOK_KEY")

    secret_keys: Annotated[forms.SecretKeys, NoDecode] = Field((), validation_alias="AFTERCARE_SECRET_KEY")
    """Newest first: the first signs, all verify."""
    channels: Annotated[Channels, BeforeValidator(forms.lower), Accepts("live or outbox")] = Channels.LIVE
    home: forms.Folder | None = None
    """The operator's own folder with `config/` and `templates/`."""
    log_level: forms.LogLevel = "info"

    worker: Worker = Worker()
    sending: Sending = Sending()
    receipts: Receipts = Receipts()
    recovery: Recovery = Recovery()
    caps: Caps = Caps()
    pumping: Pumping = Pumping()
    retention: Retention = Retention()
    intake: Intake = Intake()
    api: Api = Api()
    web: Web = Web()
    writing: Writing = Writing()
    quiet_hours: QuietHours = QuietHours()
    database: DatabaseLimits = DatabaseLimits()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what the caller gives: see `read.load` for the rest."""
        return (init_settings,)

    @property
    def sqlalchemy_url(self) -> str:
        """The database for SQLAlchemy's asynchronous drivers. Holds the password: never log it."""
        url = self._required_database_url()
        if url.startswith("sqlite:"):
            return url.replace("sqlite:", "sqlite+aiosqlite:", 1)
        return url.replace("postgresql:", "postgresql+asyncpg:", 1).replace("sslmode=", "ssl=")

    @property
    def listen_dsn(self) -> str | None:
        """The same PostgreSQL for a direct connection that listens; None on SQLite. Holds the password."""
        url = self._required_database_url()
        return None if url.startswith("sqlite:") else url

    @property
    def has_twilio(self) -> bool:
        return self.twilio_account_sid is not None and self.twilio_auth_token is not None

    @property
    def has_sendgrid(self) -> bool:
        return self.sendgrid_api_key is not None

    @property
    def client_address(self) -> str:
        """Where links in messages lead: to this machine, where every message stays in the house. May be empty."""
        stays = self.channels is Channels.OUTBOX or not (self.has_twilio or self.has_sendgrid)
        return self.public_url or (f"http://127.0.0.1:{self.port}" if stays else "")

    def _required_database_url(self) -> str:
        if self.database_url is None:
            raise ConfigError(DATABASE_MISSING)
        return self.database_url.get_secret_value()
