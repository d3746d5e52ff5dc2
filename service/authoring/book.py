"""A clinic's template book: what it sends, its drafts and their history, and the acts of its authors.

Versions are only added. An author says which version their change is based on; where a newer one exists, the change is
refused and the newer one shown. Nothing is published that nobody has looked at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import unified_diff
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from service.audit import Deed, note
from service.authoring.check import USUAL, WritingRules, check, key_of, where_of
from service.authoring.look import looks
from service.authoring.model import SHIPPED, Change, Checked, Foreseen, Newest, Published, Sheet, Shown, Standing
from service.authoring.page import Page
from service.authoring.pushing import judged, pushed
from service.content import Content
from service.errors import BadInput, Conflict, NotFound, Problem
from service.store import templates as store
from service.store.clinics import houses
from service.store.session import Database
from service.store.signals import notify
from service.store.templates import TemplateKey
from service.types import Json
from service.wordings import Wordings, read_own

RECIPIENTS_SHOWN = 200


class TemplateBook:
    """The books of all clinics. Every method is one clinic's; keys come from `key`."""

    def __init__(self, database: Database, content: Content, rules: WritingRules = USUAL) -> None:
        self._database = database
        self._content = content
        self._rules = rules
        self._wordings = Wordings(content.templates)

    def key(self, protocol: str, step: str, medium: str, locale: str) -> TemplateKey:
        """Raises NotFound (`unknown-template`), saying what there is."""
        return key_of(self._content, protocol, step, medium, locale)

    async def all(self, clinic: str, protocol: str = "") -> list[Standing]:
        """Every message: in the languages that are shipped, and in those that the clinic added."""
        async with self._database.read() as connection:
            newest = await store.newest_sources(connection, clinic)
            current = (await store.current_sources(connection, [clinic]))[clinic]
            keys = [one for one in sorted({*self._shipped(), *newest}) if self._exists(one, protocol)]
            page = await self._page(connection, clinic, keys[0]) if keys else None
        numbers = {key: rows[0].number for key, rows in current.items()}
        return [replace(page, key=key).standing(numbers.get(key, SHIPPED), newest.get(key)) for key in keys if page]

    async def newest(self, clinic: str) -> dict[TemplateKey, Newest]:
        """Each message's newest version, draft or not; else the shipped words."""
        async with self._database.read() as connection:
            rows = await store.newest_sources(connection, clinic)
        shipped = self._shipped()
        own = {
            key: Newest(row.number, row.source or shipped.get(key, ""), tuple(row.accepted), row.kind == "draft")
            for key, row in rows.items()
            if self._exists(key)
        }
        return {key: Newest(SHIPPED, source) for key, source in shipped.items()} | own

    async def foresee(self, clinic: str, sources: Mapping[TemplateKey, str], *, publish: bool = True) -> Foreseen:
        """What a push of these words would do, before anything is saved: what passes here is published.

        All of them can be read: what is wrong in itself was found without a clinic.
        """
        if not sources:
            return Foreseen()
        newest = await self.newest(clinic)
        async with self._database.read() as connection:
            page = await self._page(connection, clinic, next(iter(sources)))
            readers = await store.locales_read(connection, clinic)
        changed = pushed(sources, newest, page.house.locale, publish=publish)
        return Foreseen(changed, judged(page, sources, changed, readers))

    async def open(self, clinic: str, key: TemplateKey) -> Sheet:
        """All about one message in one language. Raises NotFound where nobody has written it."""
        async with self._database.read() as connection:
            page = await self._page(connection, clinic, key)
            history = await store.history_of(connection, clinic, key)
            current = await store.current_of(connection, clinic, key)
            draft = await page.version(history[0].number) if history and history[0].kind == "draft" else None
            source = draft.source if draft else page.sent().source
            return Sheet(
                standing=page.standing(current.number if current else SHIPPED, history[0] if history else None),
                source=page.sent().source,
                version=page.sent().version,
                draft=draft,
                checked=await page.check(source),
                touches=await page.touches(source if draft else None),
                history=history,
            )

    async def version(self, clinic: str, key: TemplateKey, number: int) -> Any:
        """One version with its source. Raises NotFound."""
        async with self._database.read() as connection:
            return await (await self._page(connection, clinic, key)).version(number)

    async def diff(self, clinic: str, key: TemplateKey, old: int, new: int) -> str:
        """What changed between two versions, as lines with - and +; 0 stands for the shipped words."""
        async with self._database.read() as connection:
            page = await self._page(connection, clinic, key)
            before, after = await page.source(old), await page.source(new)
        names = [f"{where_of(key)} {number or 'shipped'}" for number in (old, new)]
        return "\n".join(unified_diff(before.splitlines(), after.splitlines(), names[0], names[1], lineterm=""))

    async def recipients(
        self, clinic: str, key: TemplateKey, version: str, *, before: UUID | None = None, limit: int = RECIPIENTS_SHOWN
    ) -> Sequence[Any]:
        """Who was sent these words in this version, the latest first."""
        async with self._database.read() as connection:
            return await store.recipients_of(connection, clinic, key, version, before=before, limit=limit)

    async def preview(
        self, clinic: str, key: TemplateKey, number: int = SHIPPED, source: str | None = None
    ) -> list[Shown]:
        """How a version, a source that is not saved yet, or what is sent now looks to sample clients.

        A version that was looked at may be published. Raises NotFound.
        """
        shown = await self.look(clinic, key, number, source)
        if number:
            async with self._database.write() as connection:
                await store.mark_seen(connection, clinic, key, number, await self._database.now(connection))
        return shown

    async def look(
        self, clinic: str, key: TemplateKey, number: int = SHIPPED, source: str | None = None
    ) -> list[Shown]:
        """The same where nobody looks yet: it does not count. Raises NotFound."""
        async with self._database.read() as connection:
            page = await self._page(connection, clinic, key)
            if number:
                source = (await page.version(number)).source
        return looks(self._wordings, page.house, page.own, key, page.treated_at, source)

    async def earlier(self, clinic: str, key: TemplateKey, number: int) -> tuple[list[Shown], int]:
        """How an earlier version (0: the shipped words) looks, and how many scheduled reminders a restoration of it
        would touch. Raises NotFound."""
        async with self._database.read() as connection:
            page = await self._page(connection, clinic, key)
            source = await page.source(number)
            touches = await page.touches(source if number else None)
        return looks(self._wordings, page.house, page.own, key, page.treated_at, source), touches

    async def save(
        self, clinic: str, key: TemplateKey, source: str, change: Change, accepted: Sequence[str] = ()
    ) -> tuple[int, Checked]:
        """Keep a draft; returns its number and what was found. Raises BadInput with all that is wrong, Stale."""

        async def work(connection: AsyncConnection) -> tuple[int, Checked]:
            page = await self._page(connection, clinic, key)
            checked = await page.check(source)
            if checked.wording is None:
                raise BadInput(*checked.problems)
            now = await self._database.now(connection)
            number = await page.add("draft", checked.wording.source, change, now, accepted=accepted)
            await note(connection, clinic, change.doer, Deed.TEMPLATE_SAVED, now, about=where_of(key))
            return number, checked

        return await self._database.transact(work)

    async def publish(
        self, clinic: str, key: TemplateKey, number: int, change: Change, *, shown: bool = False
    ) -> Published:
        """Send this version from now on. Raises Conflict (`not-previewed`), BadInput with what is wrong, Stale.

        `shown`: whoever publishes has it before them, so that nobody needs to have looked at it before.
        """

        async def work(connection: AsyncConnection) -> Published:
            page = await self._page(connection, clinic, key)
            draft = await page.version(number)
            if not shown and not await store.was_seen(connection, clinic, key, number):
                sentence = f"nobody has looked at version {number} yet: preview it, then publish it"
                raise Conflict(Problem("not-previewed", where_of(key), sentence))
            _refuse_unwise(await page.check(draft.source), draft, key)
            now = await self._database.now(connection)
            await note(connection, clinic, change.doer, Deed.TEMPLATE_PUBLISHED, now, about=where_of(key))
            return await page.put_in_force("published", draft, change, now)

        return await self._database.transact(work)

    async def restore(self, clinic: str, key: TemplateKey, number: int, change: Change) -> Published:
        """Send an earlier version again, or the shipped words (0). Raises NotFound, BadInput, Stale."""

        async def work(connection: AsyncConnection) -> Published:
            page = await self._page(connection, clinic, key)
            earlier = await page.version(number) if number else None
            if earlier is not None and earlier.kind == "draft":
                sentence = f"version {number} was never sent: publish it"
                raise Conflict(Problem("never-published", where_of(key), sentence))
            if earlier is not None and (problems := check(self._content, key, earlier.source).problems):
                raise BadInput(*problems)
            now = await self._database.now(connection)
            await note(connection, clinic, change.doer, Deed.TEMPLATE_RESTORED, now, about=where_of(key))
            return await page.put_in_force("restored", earlier, change, now)

        return await self._database.transact(work)

    async def hold(self, clinic: str, what: Json, change: Change) -> bool:
        """Stop sending a message from the next start on; returns whether it was not held like this already.

        `what`: protocol, step, medium and locale (empty: all). Raises NotFound.
        """
        self._require_step(what)

        async def work(connection: AsyncConnection) -> bool:
            now = await self._database.now(connection)
            row = {**what, "author": change.author, "note": change.note, "held_at": now}
            held = await store.hold(connection, clinic, row)
            await note(
                connection, clinic, change.doer, Deed.TEMPLATE_HELD, now, about=f"{what['protocol']}/{what['step']}"
            )
            await store.touch(connection, clinic)
            return held

        return await self._database.transact(work)

    async def release(self, clinic: str, what: Json, who: str = "", *, alone: bool = False) -> None:
        """Let a held message go on; what it kept back is due now. Raises NotFound where nothing is held like this.

        `what`: protocol, step, medium and locale (empty: any; or, where one is released `alone`, the hold of all).
        """
        self._require_step(what)

        async def work(connection: AsyncConnection) -> bool:
            now = await self._database.now(connection)
            await notify(connection, now)
            await note(connection, clinic, who, Deed.TEMPLATE_RELEASED, now, about=f"{what['protocol']}/{what['step']}")
            return await store.release(connection, clinic, what, now, alone=alone)

        if not await self._database.transact(work):
            sentence = "nothing of it is held like this: a hold of all media or languages is released as a whole"
            raise NotFound(Problem("not-held", f"{what['protocol']}/{what['step']}", sentence))

    async def holds(self, clinic: str) -> Sequence[Any]:
        async with self._database.read() as connection:
            return await store.holds_of(connection, [clinic])

    async def _page(self, connection: AsyncConnection, clinic: str, key: TemplateKey) -> Page:
        found = await houses(connection, [clinic])
        if clinic not in found:
            raise NotFound(Problem("unknown-clinic", "", f"there is no clinic {clinic}"))
        own = (await read_own(connection, found.values()))[clinic]
        return Page(connection, self._content, self._wordings, found[clinic], own, key, self._rules)

    def _shipped(self) -> dict[TemplateKey, str]:
        shipped = self._content.templates.wordings.values()
        return {TemplateKey(one.protocol, one.step, one.medium, one.locale): one.source for one in shipped}

    def _exists(self, key: TemplateKey, protocol: str = "") -> bool:
        """Protocols change between releases; what a clinic wrote for a step that is gone stays in the table."""
        found = self._content.protocols.get(key.protocol)
        return found is not None and found.step(key.step) is not None and protocol in ("", key.protocol)

    def _require_step(self, what: Json) -> None:
        protocol = self._content.protocols.get(what["protocol"])
        step = protocol.step(what["step"]) if protocol else None
        if step is None or what["medium"] not in {"", *step.channels}:
            where = f"{what['protocol']}/{what['step']}"
            raise NotFound(Problem("unknown-template", where, "there is no such message to hold"))


def _refuse_unwise(checked: Checked, draft: Any, key: TemplateKey) -> None:
    """Fields and rules may have changed since the draft was saved; warnings must have been accepted."""
    if checked.problems:
        raise BadInput(*checked.problems)
    if waiting := checked.open_warnings(draft.accepted):
        sentence = "change the words, or save them again with these warnings accepted"
        raise BadInput(Problem("warnings-not-accepted", where_of(key), sentence), *waiting)
