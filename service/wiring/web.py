"""The web process: the API, health, the console and the clients' pages as one application."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from fastapi import APIRouter, FastAPI

from service.acts.performing import Acts
from service.authoring import TemplateBook
from service.channels.base import Channel
from service.channels.registry import open_channels
from service.console.authors import Authors
from service.console.parts import ConsoleParts
from service.content import Content
from service.events import Event
from service.forecast import preview_in, preview_json
from service.http.auth import Keys
from service.http.callbacks import callbacks_router
from service.http.clients import clients_router
from service.http.clinic import clinic_router
from service.http.clinic_parts import Parts
from service.http.clinics import clinics_router
from service.http.events import EventLimits
from service.http.health import Readiness
from service.http.inbound import inbound_router
from service.http.limits import RateLimit
from service.http.listings import listings_router
from service.http.patience import Patience
from service.http.previews import previews_router
from service.http.protocols import protocols_router
from service.http.records import records_router
from service.http.reminders import reminders_router
from service.http.staff import staff_router
from service.http.statistics import statistics_router
from service.http.templates import templates_router
from service.intake.group import Intake
from service.pages import PageParts, pages_router
from service.reasons import SENTENCES
from service.receipts import Receipts
from service.replies import Replies
from service.settings import Channels, Settings
from service.staff import StaffBook, Trials
from service.store.session import Database
from service.types import Json
from service.web import web_app
from service.wiring.numbers import number_cap
from service.wiring.shared import (
    channel_config,
    clinic_defaults,
    inbound_address,
    links_of,
    receipt_rules,
    writing_rules,
)
from service.words import Words


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
    links = links_of(settings)
    words = Words(content.templates, content.protocols, links)
    pages = pages_router(PageParts(database, words, content.protocols, links))
    book = TemplateBook(database, content, writing_rules(settings))
    people = StaffBook(database, alerted, number_cap(settings))
    trials = Trials(database, book, alerted)
    console = ConsoleParts(
        database=database,
        protocols=content.protocols,
        authors=Authors(book, people, trials, content),
        show=words.show,
        secret_keys=[key.get_secret_value() for key in settings.secret_keys],
        sentences=SENTENCES,
        public_url=settings.public_url or "",
        due=due,
    )
    readiness = Readiness(database, 3 * settings.worker.tick)
    reporting, public_url = _reporting(settings), (settings.public_url or "").rstrip("/")
    callbacks = callbacks_router(reporting, Receipts(database, receipt_rules(settings)), public_url)
    inbound = inbound_router(reporting, Replies(database, alerted), public_url)
    keys = Keys(database, RateLimit(settings.api.rate, settings.api.burst))
    templates = templates_router(book, keys)
    staff = staff_router(people, trials, book, keys)
    protocols = protocols_router(database, content, keys)
    reminders = reminders_router(database, keys, Acts(database, due))
    clients = clients_router(database, keys, intake, words.show)
    records = records_router(database, keys)
    parts = Parts(database, content.protocols, partial(inbound_address, settings))
    clinics = clinics_router(database, keys, clinic_defaults(settings), people, parts)
    own = (inbound, pages, templates, staff, protocols, reminders, clients, records, clinics)
    reading = _reading(database, keys, content, words, limits)
    return web_app(intake, keys, limits, readiness, callbacks, console, *own, *reading)


def patience_of(settings: Settings) -> Patience:
    web = settings.web
    return Patience(
        headers=web.headers_within.total_seconds(),
        headers_size=web.headers_limit,
        body=web.body_within.total_seconds(),
        answer=web.answer_within.total_seconds(),
    )


def _reading(
    database: Database, keys: Keys, content: Content, words: Words, limits: EventLimits
) -> tuple[APIRouter, ...]:
    """What else a clinic's system asks for."""

    async def look_ahead(clinic: str, event: Event) -> Json:
        async with database.read() as connection:
            now = await database.now(connection)
        return preview_json(event, await preview_in(database, clinic, event, content, words, now), now)

    return (
        clinic_router(database, keys),
        listings_router(database, keys),
        statistics_router(database, keys),
        previews_router(look_ahead, keys, limits.future_tolerance),
    )


def _reporting(settings: Settings) -> dict[str, Channel]:
    """The channels whose reports this process can check, by name: those it has credentials for."""
    if settings.channels is not Channels.LIVE or not (settings.has_twilio or settings.has_sendgrid):
        return {}
    return {channel.name: channel for channel in open_channels(channel_config(settings)).by_medium.values()}
