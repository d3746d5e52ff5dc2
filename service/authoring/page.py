"""One message of one clinic in one language, open in a transaction: what is asked of it and written to it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from service.authoring.check import USUAL, WritingRules, check, step_of, treated_at, where_of
from service.authoring.model import SHIPPED, Change, Checked, Published, Stale, Standing
from service.content import Content
from service.errors import Conflict, NotFound, Problem
from service.render import Clinic, Wording, tag_of
from service.store import templates as store
from service.store.clinics import House
from service.store.templates import TemplateKey
from service.types import Json
from service.wordings import Choice, Own, Wordings
from service.words import clinic_facts


@dataclass(frozen=True, slots=True)
class Page:
    """The clinic as it is stored now, and the message that is meant."""

    connection: AsyncConnection
    content: Content
    wordings: Wordings
    house: House
    own: Own
    key: TemplateKey
    rules: WritingRules = USUAL

    async def version(self, number: int) -> Any:
        """One version with its source. Raises NotFound."""
        row = await store.version_at(self.connection, self.house.id, self.key, number)
        if row is None or not row.source:
            sentence = f"there is no version {number} of these words"
            raise NotFound(Problem("unknown-version", where_of(self.key), sentence))
        return row

    async def source(self, number: int) -> str:
        """A version's source; 0 stands for the shipped words."""
        if number == SHIPPED:
            return self.sent(Own()).source
        source: str = (await self.version(number)).source
        return source

    async def check(self, source: str) -> Checked:
        return self.judge(source, await store.locales_read(self.connection, self.house.id))

    def judge(self, source: str, readers: Collection[str]) -> Checked:
        """What is found in a source that is sent to clients of these locales, in the clinic as it is."""
        found = check(self.content, self.key, source, at=self.treated_at, rules=self.rules)
        if found.wording is None:
            return found
        missing = self._missing(self.own.with_draft(self.key, source), readers)
        if not missing:
            return found
        return check(self.content, self.key, source, at=self.treated_at, missing=missing, rules=self.rules)

    async def touches(self, source: str | None) -> int:
        """How many scheduled reminders are sent in these words once this source is in force (None: as it is)."""
        own = self.own if source is None else self.own.with_draft(self.key, source)
        waiting = await store.scheduled_by_locale(self.connection, self.house.id, self.key)
        return sum(count for reader, count in waiting.items() if self._takes(own, reader or self.house.locale))

    async def add(self, kind: str, source: str, change: Change, now: datetime, **more: Any) -> int:
        """Append a version after the one that the author knows. Raises Stale where that is not the newest."""
        number = change.based_on + 1
        newest = await store.latest_number(self.connection, self.house.id, self.key)
        row = {"number": number, **_row(kind, source, change, now, **more)}
        if newest != change.based_on or not await store.add_version(self.connection, self.house.id, self.key, row):
            raise await self._stale()
        return number

    async def put_in_force(self, kind: str, row: Any | None, change: Change, now: datetime) -> Published:
        """Send this version from now on; None: the shipped words."""
        source = row.source if row else ""
        more = {"based_on": row.number, "accepted": row.accepted} if row else {}
        number = await self.add(kind, source, change, now, **more)
        touches = await self.touches(source if row else None)
        current = await store.current_of(self.connection, self.house.id, self.key)
        before = current.number if current else SHIPPED
        await store.set_current(self.connection, self.house.id, self.key, number if row else SHIPPED, before, now)
        await store.touch(self.connection, self.house.id)
        return Published(number, touches, now)

    def sent(self, own: Own | None = None) -> Wording:
        """What a reader of this language gets now. Raises NotFound where nobody has written anything."""
        choice = self._choice(self.own if own is None else own, self.key.locale)
        if choice is None:
            raise NotFound(Problem("unknown-template", where_of(self.key), "nobody has written these words"))
        return choice.wording

    def standing(self, number: int, newest: Any | None) -> Standing:
        """`number`: the version that is sent; `newest`: the row of the newest one, None where there is none."""
        choice = self._choice(self.own, self.key.locale)
        return Standing(
            key=self.key,
            purpose=step_of(self.content, self.key)[1].purpose,
            origin=choice.origin if choice else "",
            number=number,
            newest=newest.number if newest else SHIPPED,
            held=self.own.holding(self.key.protocol, self.key.step, self.key.medium, self.key.locale),
            draft=newest is not None and newest.kind == "draft",
        )

    @property
    def treated_at(self) -> Clinic:
        return treated_at(self.content, self.key, clinic_facts(self.house), self.house.booking_url, self.rules)

    async def _stale(self) -> Conflict:
        newest = await store.latest_number(self.connection, self.house.id, self.key)
        row = await store.version_at(self.connection, self.house.id, self.key, newest)
        if row is None:
            sentence = "the clinic has no version of these words yet: base the first one on 0"
            return Conflict(Problem("no-version-yet", "If-Match", sentence))
        return Stale(row)

    def _missing(self, own: Own, readers: Collection[str]) -> tuple[str, ...]:
        """The languages of clients who would get these words, and could have shipped ones in their own language."""
        return tuple(sorted({_language(reader) for reader in readers if reader and self._loses(own, reader)}))

    def _loses(self, own: Own, reader: str) -> bool:
        shipped = self.content.templates.find(*self.key[:3], reader, reader)
        native = shipped is not None and _language(shipped.locale) == _language(reader)
        return native and _language(reader) != _language(self.key.locale) and self._takes(own, reader)

    def _takes(self, own: Own, reader: str) -> bool:
        """Whether this reader gets the clinic's own words of this key."""
        choice = self._choice(own, reader)
        return choice is not None and choice.origin.own and tag_of(choice.wording.locale) == tag_of(self.key.locale)

    def _choice(self, own: Own, reader: str) -> Choice | None:
        return next(self.wordings.choices(self.house, *self.key[:3], reader, own), None)


def _row(
    kind: str, source: str, change: Change, now: datetime, *, based_on: int = 0, accepted: Sequence[str] = ()
) -> Json:
    return {
        "kind": kind,
        "based_on": based_on,
        "version": sha256(source.encode()).hexdigest()[:12] if source else "",
        "source": source,
        "accepted": sorted(set(accepted)),
        "author": change.author,
        "note": change.note,
        "created_at": now,
    }


def _language(locale: str) -> str:
    return tag_of(locale).partition("-")[0]
