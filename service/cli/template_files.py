"""A clinic's words into files and back: what `aftercare template pull` and `push` do."""

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
from service.authoring.model import Newest
from service.cli.tools import open_store, require_clinic
from service.cli.words import print_shown, print_warnings
from service.content import Content
from service.errors import BadInput
from service.settings import Settings
from service.wiring.shared import writing_rules


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
        newest = await book.newest(clinic)
        waiting = {one.key for one in await book.all(clinic) if one.draft} if publish else set()
        changed = [one for one in found if one.key in waiting or _differs(one, newest.get(one.key))]
        try:
            for one in changed:
                await _push_one(book, clinic, one, change, versions, publish=publish)
        finally:
            remember_versions(folder, versions)
    typer.echo(f"{len(changed)} changed, {len(found) - len(changed)} as before.")


def _differs(found: Found, newest: Newest | None) -> bool:
    """Line by line: files end their lines as their editor does."""
    return newest is None or found.source.strip().splitlines() != newest.source.strip().splitlines()


async def _push_one(
    book: TemplateBook, clinic: str, found: Found, change: Change, versions: dict[str, int], *, publish: bool
) -> None:
    """`versions` learns which one the file is now, also where publishing is refused."""
    based_on = replace(change, based_on=versions.get(found.path, 0))
    number, checked = await book.save(clinic, found.key, found.source, based_on, found.accepted)
    versions[found.path] = number
    typer.echo(f"{found.path}: saved as version {number}")
    print_warnings(checked, found.accepted)
    if not publish:
        return
    print_shown(await book.preview(clinic, found.key, number))
    published = await book.publish(clinic, found.key, number, replace(change, based_on=number))
    versions[found.path] = published.number
    typer.echo(f"{found.path}: sent from now on; {published.touches} scheduled reminders are touched")
