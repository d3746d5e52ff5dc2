"""A clinic's confirmation of protocols: that a clinician stands behind what they say, and a native reader read them.

Until then messages of that protocol in that language stay in the outbox, whatever the channel.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from service.audit import Deed, note
from service.authoring.check import canonical, is_locale
from service.content import Content
from service.errors import BadInput, NotFound, Problem
from service.protocols.values import did_you_mean
from service.render import tag_of
from service.store import templates as store
from service.store.session import Database


async def confirm(
    database: Database,
    content: Content,
    clinic: str,
    protocols: Sequence[str],
    locale: str,
    *,
    clinician: str,
    reader: str,
    doer: str,
) -> None:
    """Send these protocols to clients who read this language from now on. Raises NotFound, BadInput: also
    `unknown-language` where one has no words in it.

    `doer`: whoever says so, as the audit log names them.
    """
    if unknown := [code for code in protocols if code not in content.protocols]:
        hint = did_you_mean(unknown[0], content.protocols)
        sentence = f"there is no protocol {unknown[0]}{hint}; there are {', '.join(content.protocols)}"
        raise NotFound(Problem("unknown-template", unknown[0], sentence))
    if not is_locale(locale):
        raise BadInput(Problem("invalid-locale", "locale", "write the language as en, es or es-MX"))
    if not (clinician.strip() and reader.strip()):
        sentence = "say who has read them: a clinician, and somebody who reads the language as their own"
        raise BadInput(Problem("missing-names", "--clinician, --reader", sentence))

    async def work(connection: AsyncConnection) -> None:
        who = {"clinician": clinician.strip(), "reader": reader.strip()}
        for code in protocols:
            await _require_words(connection, content, clinic, code, locale)
        now = await database.now(connection)
        row = {"locale": canonical(locale), **who, "confirmed_at": now}
        await store.confirm(connection, clinic, [{"protocol": code, **row} for code in protocols])
        for code in protocols:
            await note(connection, clinic, doer, Deed.PROTOCOL_CONFIRMED, now, about=f"{code} {row['locale']}")

    await database.transact(work)


async def _require_words(
    connection: AsyncConnection, content: Content, clinic: str, protocol: str, locale: str
) -> None:
    """A confirmation is of words that somebody has read: shipped ones, or the clinic's own."""
    there = {_language(tag) for code, _, _, tag in content.templates.wordings if code == protocol}
    there |= {_language(own) for own in await store.locales_written(connection, clinic, protocol)}
    if _language(locale) not in there:
        sentence = f"{protocol} has no words in {locale}; it has them in {' and '.join(sorted(there))}"
        raise BadInput(Problem("unknown-language", "locale", sentence))


def _language(locale: str) -> str:
    return tag_of(locale).partition("-")[0]


async def reviews(database: Database, clinic: str) -> Sequence[Any]:
    async with database.read() as connection:
        return await store.reviews_of(connection, [clinic])


def unconfirmed(content: Content, confirmed: Sequence[Any], locales: Sequence[str]) -> dict[str, list[str]]:
    """By protocol the languages in which its messages stay in the outbox: neither its file nor the clinic says yes."""
    known = {(row.protocol, _language(row.locale)) for row in confirmed}
    waiting = {
        code: [locale for locale in locales if (code, locale) not in known]
        for code, protocol in content.protocols.items()
        if not protocol.reviewed
    }
    return {code: missing for code, missing in waiting.items() if missing}
