"""A clinic's words into files and back: what `aftercare template pull` and `push` do."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import typer

from service.authoring import Change, TemplateBook, where_of
from service.authoring.folder import (
    Found,
    accept_warnings,
    known_versions,
    read_folder,
    remember_versions,
    write_words,
)
from service.cli.tools import open_store, require_clinic
from service.cli.words import print_shown, print_warnings
from service.content import Content
from service.errors import BadInput, Problem
from service.settings import Settings
from service.store.templates import TemplateKey
from service.wiring.shared import writing_rules

_ACCEPT = "change the words, or accept these warnings there; nothing is saved"


async def pull_words(settings: Settings, content: Content, folder: Path, clinic: str, *, shipped: bool) -> int:
    """Write the newest words, and what was accepted with them; returns how many files that makes."""
    async with open_store(settings) as database:
        await require_clinic(database, clinic)
        newest = await TemplateBook(database, content, writing_rules(settings)).newest(clinic)
    wanted = {key: found for key, found in newest.items() if found.number or shipped}
    for key, found in wanted.items():
        write_words(folder, key, found.source)
    remember_versions(folder, {where_of(key): found.number for key, found in wanted.items()})
    accept_warnings(folder, {where_of(key): found.accepted for key, found in wanted.items()})
    return len(wanted)


async def push_words(
    settings: Settings, content: Content, folder: Path, clinic: str, change: Change, *, publish: bool
) -> None:
    """Save what has changed as drafts, or send it. Raises BadInput with all that is wrong in the folder, Stale."""
    found = read_folder(content, folder, writing=writing_rules(settings))
    if problems := [problem for one in found for problem in one.checked.problems]:
        raise BadInput(*problems)
    versions = known_versions(folder)
    async with open_store(settings) as database:
        await require_clinic(database, clinic)
        book = TemplateBook(database, content, writing_rules(settings))
        changed = await _changed(book, clinic, found, publish=publish)
        if publish:
            _refuse_unwise(changed)
        try:
            for one in changed:
                await _push_one(book, clinic, one, change, versions, publish=publish)
        finally:
            remember_versions(folder, versions)
    typer.echo(f"{len(changed)} changed, {len(found) - len(changed)} as before.")


async def words_in_clinic(settings: Settings, content: Content, clinic: str, found: Sequence[Found]) -> list[Found]:
    """What was found in a folder, as a push to this clinic would have it: by its clients, its facts, its own words."""
    async with open_store(settings) as database:
        await require_clinic(database, clinic)
        book = TemplateBook(database, content, writing_rules(settings))
        foreseen = await book.foresee(clinic, _readable(found))
    return [replace(one, checked=foreseen.checked.get(one.key, one.checked)) for one in found]


async def _changed(book: TemplateBook, clinic: str, found: Sequence[Found], *, publish: bool) -> list[Found]:
    """What is to be saved, in the order in which it is published."""
    by_key = {one.key: one for one in found}
    foreseen = await book.foresee(clinic, _readable(found), publish=publish)
    return [replace(by_key[key], checked=foreseen.checked[key]) for key in foreseen.changed]


def _readable(found: Sequence[Found]) -> dict[TemplateKey, str]:
    return {one.key: one.source for one in found if not one.checked.problems}


def _refuse_unwise(changed: Sequence[Found]) -> None:
    """Before anything is saved, and all of it: what publishing one by one would stop at."""
    if waiting := [warning for one in changed for warning in one.open_warnings]:
        raise BadInput(Problem("warnings-not-accepted", "accepted.toml", _ACCEPT), *waiting)


async def _push_one(
    book: TemplateBook, clinic: str, found: Found, change: Change, versions: dict[str, int], *, publish: bool
) -> None:
    """`versions` learns which one the file is now, also where publishing is refused."""
    based_on = replace(change, based_on=versions.get(found.path, 0))
    number, _ = await book.save(clinic, found.key, found.source, based_on, found.accepted)
    versions[found.path] = number
    typer.echo(f"{found.path}: saved as version {number}")
    print_warnings(found.checked, found.accepted)
    if not publish:
        return
    print_shown(await book.preview(clinic, found.key, number))
    published = await book.publish(clinic, found.key, number, replace(change, based_on=number))
    versions[found.path] = published.number
    typer.echo(f"{found.path}: sent from now on; {published.touches} scheduled reminders are touched")
