"""The composition root: the one file that builds concrete things out of settings and puts them together."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from fastapi import FastAPI

from service.channels.base import Channel
from service.channels.registry import ChannelConfig, Channels, Mode, open_channels
from service.console import ConsoleParts
from service.content import Content
from service.dispatch import Backoff, Dispatcher, Lease, Settler, SettleRules, Slots, Starter
from service.http.auth import Keys
from service.http.callbacks import callbacks_router
from service.http.events import EventLimits
from service.http.health import Readiness
from service.intake import Intake
from service.reasons import SENTENCES
from service.receipts import Receipts
from service.rescue import Rescue, RescueRules
from service.settings import Channels as SettingsChannels
from service.settings import Settings
from service.store.session import Database
from service.types import Medium
from service.web import web_app
from service.words import Words
from service.worker import Alarm, Worker, WorkerTimes

_PATIENCE = 30.0
"""Seconds that a statement may take: none of ours needs one."""


def open_database(settings: Settings, *, patience: float | None = _PATIENCE) -> Database:
    idle = settings.database.idle_in_transaction.total_seconds()
    return Database(settings.sqlalchemy_url, idle_in_transaction=idle, patience=patience)


def build_intake(
    settings: Settings, database: Database, content: Content, due: Callable[[datetime], None] = lambda _: None
) -> Intake:
    return Intake(database, content.protocols, limit=settings.intake.batch, due=due)


def build_web(settings: Settings, database: Database, content: Content, intake: Intake) -> FastAPI:
    limits = EventLimits(
        body=settings.intake.body_limit,
        batch=settings.intake.batch_limit,
        future_tolerance=settings.intake.future_tolerance,
    )
    words = Words(content.templates, content.protocols)
    console = ConsoleParts(
        database=database,
        protocols=content.protocols,
        show=words.show,
        secret_keys=[key.get_secret_value() for key in settings.secret_keys],
        sentences=SENTENCES,
        public_url=settings.public_url or "",
    )
    readiness = Readiness(database, 3 * settings.worker.tick)
    callbacks = callbacks_router(_reporting(settings), Receipts(database), (settings.public_url or "").rstrip("/"))
    return web_app(intake, Keys(database), limits, readiness, callbacks, console)


def _reporting(settings: Settings) -> dict[str, Channel]:
    """The channels whose reports this process can check, by name: those it has credentials for."""
    if settings.channels is not SettingsChannels.LIVE or not (settings.has_twilio or settings.has_sendgrid):
        return {}
    return {channel.name: channel for channel in open_channels(_channel_config(settings)).by_medium.values()}


@dataclass(frozen=True, slots=True)
class WorkerParts:
    """A worker and what to close after it."""

    worker: Worker
    alarm: Alarm
    channels: Channels


def build_worker(settings: Settings, database: Database, content: Content) -> WorkerParts:
    """A worker of this process. Must be called in its running loop."""
    channels = open_channels(_channel_config(settings))
    scheduler = AsyncIOScheduler(event_loop=asyncio.get_running_loop(), timezone="UTC")
    alarm = Alarm(scheduler)
    sending = settings.sending
    settler = Settler(
        database,
        SettleRules(
            every=sending.settle_every.total_seconds(),
            at=sending.settle_at,
            backoff=Backoff(sending.retry_base, sending.retry_cap),
            look_up_after=sending.look_up_after,
        ),
        alarm.hint,
    )
    starter = Starter(
        database,
        Words(content.templates, content.protocols),
        Lease(sending.deadline, sending.lease),
        _status_callback(settings, channels.by_medium),
    )
    slots = Slots(settings.worker.slots, settings.worker.batch)
    dispatcher = Dispatcher(starter, settler, channels.by_medium, slots, alarm.set_in)
    rescue = Rescue(database, channels.by_medium, RescueRules(sending.look_up_after, deadline=sending.deadline))
    worker = Worker(
        database,
        dispatcher,
        settler,
        rescue,
        scheduler,
        alarm,
        WorkerTimes(settings.worker.tick, settings.worker.drain, housekeeping=sending.lease / 2),
        listen_dsn=settings.listen_dsn,
    )
    return WorkerParts(worker, alarm, channels)


def _channel_config(settings: Settings) -> ChannelConfig:
    def secret(value: object) -> str:
        return value.get_secret_value() if value is not None else ""  # type: ignore[attr-defined]

    return ChannelConfig(
        mode=Mode(settings.channels.value),
        twilio_account_sid=settings.twilio_account_sid or "",
        twilio_auth_token=secret(settings.twilio_auth_token),
        twilio_base_url=settings.twilio_base_url,
        sendgrid_api_key=secret(settings.sendgrid_api_key),
        sendgrid_base_url=settings.sendgrid_base_url,
        sendgrid_webhook_key=settings.sendgrid_webhook_key or "",
        deadline=settings.sending.deadline.total_seconds(),
        pool_size=settings.worker.slots,
    )


def _status_callback(settings: Settings, channels: Mapping[Medium, Channel]) -> Callable[[Medium, str], str | None]:
    """Where a provider reports on an attempt: an address of ours that carries the attempt's token."""
    base = (settings.public_url or "").rstrip("/")

    def address(medium: Medium, token: str) -> str | None:
        channel = channels.get(medium)
        return f"{base}/callbacks/{channel.name}/status/{token}" if base and channel else None

    return address
