"""Taking in a client's text: stored once, acted on at once, told to staff where it says anything.

One transaction, with locks in the order in which events take theirs (clients, then the number): after a STOP has
committed there is no new intent, and texts from one number are taken in one after the other. The same text again (by
the provider's id) changes nothing, so an old START that is posted once more after a STOP stays without effect.
"""

import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from service import logs, metrics
from service.alerts.record import alert
from service.channels.base import InboundText
from service.errors import NotFound, Problem
from service.render.clean import one_line
from service.replies.reading import Reading, ReplyKind, read
from service.store import replies as queries
from service.store.clients import remember_recipients
from service.store.clinics import House, houses
from service.store.session import Database
from service.types import Medium

log = logs.get(__name__)

ANSWERS_FOR: Final = timedelta(days=7)
"""A text is taken to answer a question that was asked at most this long ago."""
STOPPED: Final = "stop"
"""Why a number is suppressed whose owner texted STOP."""
_TOO_CLOSE: Final = timedelta(seconds=2)
"""Providers tell when a text was written by whole seconds, and their clocks are not ours."""
_LIFTED_BY_START: Final = frozenset(
    {STOPPED, "provider-opt-out", "opted_out", "unsubscribed", "opted-out-elsewhere", "stopped-on-page"}
)
"""Suppressions that the number's owner asked for, here or at the provider: a START takes these back, and no others."""


def inbound_name(clinic: str, sender: str) -> str:
    """How a sender is called in the address that texts to it are posted to."""
    return f"{clinic}.{sender}"


@dataclass(frozen=True, slots=True)
class _Taken:
    """What became of a text: `owed` is what the client is to be answered, `told` whether staff are."""

    kind: ReplyKind
    owed: str = ""
    told: bool = False


class Replies:
    """Takes in texts; `alerted` is called after a commit that raised an alert, for a worker in the same process."""

    def __init__(self, database: Database, alerted: Callable[[], None] = lambda: None) -> None:
        self._database = database
        self._alerted = alerted

    async def take(self, name: str, heard: InboundText) -> str:
        """Take in a text that was posted to the sender of this name; returns what the client is owed, or nothing.

        Raises NotFound (`not-found`) where the text was written to no such sender: nothing is stored then.
        """

        async def work(connection: AsyncConnection) -> _Taken | None:
            return await _take(connection, name, heard, await self._database.now(connection))

        taken = await self._database.transact(work)
        if taken is None:
            return ""
        metrics.replies.labels(taken.kind.value).inc()
        if taken.told:
            self._alerted()
        return taken.owed


async def _take(connection: AsyncConnection, name: str, heard: InboundText, now: datetime) -> _Taken | None:
    """None: this text was taken in before."""
    house, sender = await _written_to(connection, name, heard)
    people = await queries.lock_people_of(connection, house.id, heard.sender)
    await remember_recipients(connection, [(house.id, Medium.SMS.value, heard.sender)], now)
    number = await queries.lock_number(connection, house.id, heard.sender)
    if await queries.is_known(connection, house.id, heard.provider_id):
        return None
    stopped = _is_stopped(number, people) or await queries.has_refused_care(connection, house.id, heard.sender)
    reading = read(heard.text, stopped=stopped, handled=heard.handled_keyword)
    written_at = heard.at or now
    if heard.at is None or not await _is_overtaken(connection, house.id, heard.sender, reading, heard.at):
        await _obey(connection, house.id, heard.sender, reading, written_at)
    await _keep(connection, house.id, sender, heard, reading, people, written_at, now)
    log.info("reply taken", clinic=house.id, sender=sender, kind=reading.kind)
    return _Taken(reading.kind, _owed(house, people, heard, reading, stopped=stopped), told=reading.more)


async def _written_to(connection: AsyncConnection, name: str, heard: InboundText) -> tuple[House, str]:
    """The clinic, and its sender, if the text was really written to that: what is posted to the wrong address of ours
    reaches no other clinic."""
    clinic, _, sender = name.partition(".")
    row = await queries.sender_written_to(connection, clinic, sender, to=heard.to, service=heard.messaging_service)
    if row is None:
        raise NotFound(Problem("not-found", "", "no such sender listens here"))
    return (await houses(connection, {clinic}))[clinic], row.id


def _is_stopped(number: Any, people: Collection[Any]) -> bool:
    asked = number.suppressed_at is not None and number.suppressed_reason in _LIFTED_BY_START
    return asked or any(person.sms_stopped_at is not None for person in people)


async def _is_overtaken(
    connection: AsyncConnection, clinic: str, number: str, reading: Reading, written_at: datetime
) -> bool:
    """Whether what is told late has been taken back since: a STOP by a START, a START by a STOP or on the client's own
    page. Where they are too close to tell, the STOP counts."""
    match reading.kind:
        case ReplyKind.OPT_IN:
            newest = await queries.newest_refusal(connection, clinic, number, ReplyKind.OPT_OUT)
            return newest is not None and newest >= written_at - _TOO_CLOSE
        case ReplyKind.OPT_OUT:
            newest = await queries.newest_text(connection, clinic, number, ReplyKind.OPT_IN)
            return newest is not None and newest > written_at + _TOO_CLOSE
    return False


async def _obey(connection: AsyncConnection, clinic: str, number: str, reading: Reading, now: datetime) -> None:
    """Whoever has this phone speaks for all who share it."""
    match reading.kind:
        case ReplyKind.OPT_OUT:
            await queries.stop_texts(connection, clinic, number, STOPPED, now)
        case ReplyKind.OPT_IN:
            await queries.resume_texts(connection, clinic, number, _LIFTED_BY_START, now)


async def _keep(
    connection: AsyncConnection,
    clinic: str,
    sender: str,
    heard: InboundText,
    reading: Reading,
    people: Sequence[Any],
    written_at: datetime,
    now: datetime,
) -> None:
    id_ = uuid7()
    client, reminder = await _about(connection, clinic, heard.sender, people, written_at)
    await queries.add_reply(
        connection,
        {
            "clinic": clinic,
            "id": id_,
            "provider_id": heard.provider_id,
            "sender": sender,
            "address": heard.sender,
            "text": heard.text.replace("\0", ""),  # PostgreSQL keeps no NUL
            "media": heard.media,
            "kind": reading.kind.value,
            "more": reading.more,
            "client": client,
            "reminder": reminder,
            "received_at": written_at,
        },
    )
    if reading.more:
        await alert(connection, clinic, "reply", str(id_), {}, now)


async def _about(
    connection: AsyncConnection, clinic: str, number: str, people: Sequence[Any], written_at: datetime
) -> tuple[str | None, Any]:
    """Whose text it is, and the question it answers: the newest one. Where people share a phone, only a question that
    one of them alone was asked tells who writes."""
    since = written_at - ANSWERS_FOR
    asked = await queries.questions_asked(connection, clinic, number, since, written_at) if people else ()
    if len({row.client for row in asked}) == 1:
        return asked[0].client, asked[0].reminder
    return (people[0].ref if len(people) == 1 else None), None


def _owed(house: House, people: Sequence[Any], heard: InboundText, reading: Reading, *, stopped: bool) -> str:
    """Our own confirmation, where the provider sent none and something changed; help, where that was asked for."""
    nothing_new = (reading.kind is ReplyKind.OPT_OUT) == stopped
    if (
        heard.handled_keyword
        or reading.kind is ReplyKind.ANSWER
        or (nothing_new and reading.kind is not ReplyKind.HELP)
    ):
        return ""
    words = _answers()[reading.kind.value]
    spoken = [person.locale_chosen or person.locale for person in people[:1]]
    wanted = (*spoken, reading.language, house.locale, "en")
    language = next(code for tag in wanted if (code := tag.partition("-")[0].lower()) in words)
    return words[language].format(clinic=one_line(house.name), phone=one_line(house.phone))


@cache
def _answers() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads(Path(__file__).with_name("answers.toml").read_text(encoding="utf-8"))
