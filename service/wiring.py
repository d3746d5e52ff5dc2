"""The composition root: the one file that builds concrete things out of settings and puts them together."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from fastapi import FastAPI

from service.acts import Acts
from service.alerts import AlertRules, Alerts
from service.authoring import TemplateBook
from service.channels.base import Channel
from service.channels.registry import ChannelConfig, Channels, Mode, open_channels
from service.console import ConsoleParts
from service.content import Content
from service.dispatch import Backoff, Cap, Dispatcher, Lease, Settler, SettleRules, Slots, Starter
from service.http.auth import Keys
from service.http.callbacks import callbacks_router
from service.http.events import EventLimits
from service.http.health import Readiness
from service.http.inbound import inbound_router
from service.http.records import records_router
from service.http.reminders import reminders_router
from service.http.templates import templates_router
from service.intake import Intake
from service.links import Links
from service.outage import Outage, OutageRules
from service.pages import PageParts, pages_router
from service.reasons import SENTENCES
from service.receipts import EvidenceRules, Polling, PollRules, ReceiptRules, Receipts
from service.receipts.consequences import Waits
from service.replies import Questions, Replies
from service.rescue import Rescue, RescueRules
from service.settings import Channels as SettingsChannels
from service.settings import Settings
from service.store.session import Database
from service.troubles import TroubleRules, Troubles
from service.types import Medium, Purpose
from service.upkeep import Upkeep
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


def build_web(
    settings: Settings,
    database: Database,
    content: Content,
    intake: Intake,
    due: Callable[[datetime], None] = lambda _: None,
    alerted: Callable[[], None] = lambda: None,
) -> FastAPI:
    """`due` is told of what people schedule here, `alerted` of alerts, for a worker in the same process."""
    limits = EventLimits(
        body=settings.intake.body_limit,
        batch=settings.intake.batch_limit,
        future_tolerance=settings.intake.future_tolerance,
    )
    links = _links(settings)
    words = Words(content.templates, content.protocols, links)
    pages = pages_router(PageParts(database, words, content.protocols, links))
    console = ConsoleParts(
        database=database,
        protocols=content.protocols,
        show=words.show,
        secret_keys=[key.get_secret_value() for key in settings.secret_keys],
        sentences=SENTENCES,
        public_url=settings.public_url or "",
        due=due,
    )
    readiness = Readiness(database, 3 * settings.worker.tick)
    reporting, public_url = _reporting(settings), (settings.public_url or "").rstrip("/")
    callbacks = callbacks_router(reporting, Receipts(database, _receipt_rules(settings)), public_url)
    inbound = inbound_router(reporting, Replies(database, alerted), public_url)
    keys = Keys(database)
    templates = templates_router(TemplateBook(database, content), keys)
    reminders = reminders_router(database, keys, Acts(database, due))
    records = records_router(database, keys)
    return web_app(intake, keys, limits, readiness, callbacks, console, inbound, pages, templates, reminders, records)


def _links(settings: Settings) -> Links:
    """The clients' links. Where every message stays in the house, they lead to this machine."""
    here = f"http://127.0.0.1:{settings.port}" if settings.channels is SettingsChannels.OUTBOX else ""
    return Links(settings.public_url or here, [key.get_secret_value() for key in settings.secret_keys])


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
    alerts: Alerts
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
        Words(content.templates, content.protocols, _links(settings)),
        Lease(sending.deadline, sending.lease),
        _status_callback(settings, channels.by_medium),
        _caps(settings),
    )
    slots = Slots(settings.worker.slots, settings.worker.batch)
    dispatcher = Dispatcher(starter, settler, channels.by_medium, slots, alarm.set_in)
    outage = Outage(database, channels.by_medium, OutageRules(settings.recovery.outage))
    upkeep, polling = _upkeep(settings, database, channels, outage)
    alerts = Alerts(
        database,
        channels.by_medium.get(Medium.EMAIL),
        AlertRules(
            deadline=sending.deadline,
            lease=sending.lease,
            retry_base=sending.retry_base,
            retry_cap=sending.retry_cap,
            platform_sender=settings.sendgrid_from or "",
        ),
    )
    worker = Worker(
        database,
        dispatcher,
        settler,
        upkeep,
        polling,
        outage,
        scheduler,
        alarm,
        WorkerTimes(settings.worker.tick, settings.worker.drain, housekeeping=sending.lease / 2),
        alerts=alerts,
        listen_dsn=settings.listen_dsn,
    )
    return WorkerParts(worker, alarm, alerts, channels)


def _upkeep(settings: Settings, database: Database, channels: Channels, outage: Outage) -> tuple[Upkeep, Upkeep]:
    """What a worker looks after beside sending: a quick round, and apart the slow questions to providers."""
    sending, rules = settings.sending, _receipt_rules(settings)
    rescue_rules = RescueRules(
        look_up_after=sending.look_up_after,
        look_up_again=sending.look_up_after / 2,
        deadline=sending.deadline,
        silence=settings.receipts.silence,
        evidence=rules.evidence,
    )
    receipts = Receipts(database, rules)
    troubles = Troubles(database, TroubleRules(settings.recovery.probe_after, settings.recovery.probe_gap))
    first = settings.receipts.poll_after if settings.public_url else settings.receipts.poll_alone_after
    polling = Polling(database, channels.by_medium, receipts, PollRules(first, settings.receipts.final_after))
    quick = {
        "outage": outage.run,
        "rescue": Rescue(database, channels.by_medium, rescue_rules).run,
        "receipts": receipts.keep_house,
        "troubles": troubles.run,
        "questions": Questions(database).refuse_unheard,
    }
    return Upkeep(quick), Upkeep({"polling": polling.run})


def _receipt_rules(settings: Settings) -> ReceiptRules:
    receipts = settings.receipts
    waits = Waits(handset=receipts.try_again_after, sender=receipts.slow_for)
    return ReceiptRules(EvidenceRules(waits, receipts.refusals), receipts.parked_for, receipts.parked_most)


def _caps(settings: Settings) -> dict[str, Cap]:
    caps = settings.caps
    return {
        Purpose.CARE: Cap(caps.care, caps.care_within),
        Purpose.REBOOK: Cap(caps.rebook, caps.rebook_within),
        Purpose.REVIEW: Cap(caps.review, caps.review_within),
    }


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
