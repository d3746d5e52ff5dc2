"""The worker: what starts reminders, sends them, settles what became of them, and looks after the rest."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from service.alerts.sending import AlertRules, Alerts
from service.channels.base import Channel
from service.channels.registry import Channels, open_channels
from service.content import Content
from service.dispatch import Backoff, Cap, Dispatcher, Lease, Settler, SettleRules, Slots, Starter
from service.http.keeping import Keeping
from service.outage import Outage, OutageRules
from service.privacy import Absence, Ages, Retention
from service.receipts import Polling, PollRules, Receipts
from service.replanning import Replanning
from service.replies import MissedTexts, Questions, Replies
from service.rescue import Rescue, RescueRules
from service.settings import Settings
from service.staff import Post, PostRules
from service.store.session import Database
from service.troubles import TroubleRules, Troubles
from service.types import Medium, Purpose
from service.upkeep import Upkeep
from service.wiring.numbers import number_cap
from service.wiring.shared import channel_config, links_of, receipt_rules
from service.words import Words
from service.worker import Alarm, Worker, WorkerTimes


@dataclass(frozen=True, slots=True)
class WorkerParts:
    """A worker and what to close after it."""

    worker: Worker
    alarm: Alarm
    channels: Channels


def build_worker(settings: Settings, database: Database, content: Content) -> WorkerParts:
    """A worker of this process. Must be called in its running loop."""
    channels = open_channels(channel_config(settings))
    scheduler = AsyncIOScheduler(event_loop=asyncio.get_running_loop(), timezone="UTC")
    alarm = Alarm(scheduler)
    settler = Settler(database, _settle_rules(settings), alarm.hint)
    starter = Starter(
        database,
        Words(content.templates, content.protocols, links_of(settings)),
        Lease(settings.sending.deadline, settings.sending.lease),
        _status_callback(settings, channels.by_medium),
        _caps(settings),
        number_cap(settings),
        settings.pumping.clinic,
    )
    slots = Slots(settings.worker.slots, settings.worker.batch)
    dispatcher = Dispatcher(starter, settler, channels.by_medium, slots, alarm.set_in)
    outage = Outage(database, channels.by_medium, OutageRules(settings.recovery.outage))
    upkeep, polling = _upkeep(settings, database, content, channels, outage)
    worker = Worker(
        database,
        dispatcher,
        settler,
        upkeep,
        polling,
        outage,
        scheduler,
        alarm,
        WorkerTimes(settings.worker.tick, settings.worker.drain, housekeeping=settings.sending.lease / 2),
        alerts=_alerts(settings, database, channels),
        post=_post(settings, database, channels),
        listen_dsn=settings.listen_dsn,
    )
    return WorkerParts(worker, alarm, channels)


def _settle_rules(settings: Settings) -> SettleRules:
    sending = settings.sending
    return SettleRules(
        every=sending.settle_every.total_seconds(),
        at=sending.settle_at,
        backoff=Backoff(sending.retry_base, sending.retry_cap),
        look_up_after=sending.look_up_after,
    )


def _alerts(settings: Settings, database: Database, channels: Channels) -> Alerts:
    sending = settings.sending
    rules = AlertRules(
        deadline=sending.deadline,
        lease=sending.lease,
        retry_base=sending.retry_base,
        retry_cap=sending.retry_cap,
        platform_sender=settings.sendgrid_from or "",
    )
    return Alerts(database, channels.by_medium.get(Medium.EMAIL), rules)


def _post(settings: Settings, database: Database, channels: Channels) -> Post:
    rules = PostRules(
        deadline=settings.sending.deadline,
        lease=settings.sending.lease,
        platform_sender=settings.sendgrid_from or "",
    )
    return Post(database, channels.by_medium, rules)


def _upkeep(
    settings: Settings, database: Database, content: Content, channels: Channels, outage: Outage
) -> tuple[Upkeep, Upkeep]:
    """What a worker looks after beside sending: a quick round, and apart the slow questions to providers."""
    sending, rules = settings.sending, receipt_rules(settings)
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
        "exchanges": Keeping(database).run,
        "replanning": Replanning(database, content.protocols).run,
    }
    retention = Retention(database, _ages(settings))
    absence = Absence(database, content.protocols, number_cap(settings))
    every = settings.receipts.texts_every if settings.public_url else settings.receipts.texts_alone_every
    missed = MissedTexts(database, channels.by_medium.get(Medium.SMS), Replies(database), every)
    slow = {"polling": polling.run, "missed-texts": missed.run, "retention": retention.run, "absence": absence.run}
    return Upkeep(quick), Upkeep(slow)


def _ages(settings: Settings) -> Ages:
    kept = settings.retention
    return Ages(kept.messages, kept.receipts, kept.replies, kept.events, kept.notes, kept.audit)


def _caps(settings: Settings) -> dict[str, Cap]:
    caps = settings.caps
    return {
        Purpose.CARE: Cap(caps.care, caps.care_within),
        Purpose.REBOOK: Cap(caps.rebook, caps.rebook_within),
        Purpose.REVIEW: Cap(caps.review, caps.review_within),
    }


def _status_callback(settings: Settings, channels: Mapping[Medium, Channel]) -> Callable[[Medium, str], str | None]:
    """Where a provider reports on an attempt: an address of ours that carries the attempt's token."""
    base = (settings.public_url or "").rstrip("/")

    def address(medium: Medium, token: str) -> str | None:
        channel = channels.get(medium)
        return f"{base}/callbacks/{channel.name}/status/{token}" if base and channel else None

    return address
