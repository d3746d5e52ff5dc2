"""`aftercare template`: what clients read, for clinics that keep their words in files, and a hand to stop a message."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from service import clock
from service.authoring import Change, Published, Sheet, Shown, TemplateBook, preview_page, where_of
from service.authoring.check import treated_at
from service.authoring.folder import Found, key_of_path, read_folder
from service.authoring.look import looks
from service.cli.someone import someone
from service.cli.template_files import pull_words, push_words, words_in_clinic
from service.cli.tools import ClinicOption, JsonOption, in_loop, open_store, print_json, require_clinic, settings_for
from service.cli.words import finding_json, print_findings, print_shown, print_unconfirmed, print_versions, shown_json
from service.clinics import house_of
from service.content import Content, load_content
from service.errors import BadInput, Problem
from service.sample import sample_clinic
from service.settings import Settings, data_folder, load
from service.staff import Trials
from service.store.templates import TemplateKey
from service.types import Json
from service.wiring.shared import writing_rules
from service.wordings import Own, Wordings
from service.words import clinic_facts

app = typer.Typer(help="Messages: check, preview, test, pull, push, restore, hold, release.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(help="Like templates/: <protocol>/<step>/<language>/sms.txt or email.md.")]
File = Annotated[Path, typer.Argument(help="<protocol>/<step>/<language>/sms.txt or email.md.")]
Place = Annotated[str, typer.Argument(help="<protocol>/<step>, like microneedling/day-1-sunscreen.")]
MediumOption = Annotated[str, typer.Option(help="sms or email; both without.")]
LocaleOption = Annotated[str, typer.Option(help="Words of this language only, like es.")]
NoteOption = Annotated[str, typer.Option(help="Why; kept with the version.")]
AuthorOption = Annotated[str, typer.Option(help="Who; you, by default.")]


@app.command("check")
def check_(
    folder: Annotated[Path | None, typer.Argument(help="A folder; without one, the shipped words.")] = None,
    clinic: Annotated[str | None, typer.Option("--clinic", help="As `push --publish` to this clinic would.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Check words, each with line, column and a sentence. Ends with 2 on errors, 1 on warnings nobody accepted."""
    settings = settings_for("tool") if clinic else load()
    content = load_content(settings.home)
    words = folder or data_folder("templates", settings.home)
    found = read_folder(content, words, writing=writing_rules(settings))
    if clinic is not None:
        found = _in_clinic(settings, content, clinic, found)
    if as_json:
        print_json([finding_json(one) for one in found])
    else:
        print_findings(found)
        print_unconfirmed(content)
    if any(one.checked.problems for one in found):
        raise typer.Exit(BadInput.exit_code)
    if any(one.open_warnings for one in found):
        raise typer.Exit(1)


@app.command("preview")
def preview(
    place: Annotated[Path, typer.Argument(help="<protocol>/<step>/<language>/sms.txt or email.md; a file is read.")],
    clinic: Annotated[str | None, typer.Option("--clinic", help="A clinic; else the sample clinic.")] = None,
    number: Annotated[int, typer.Option("--version", help="A version of the clinic's, draft or not.")] = 0,
    html: Annotated[Path | None, typer.Option(help="Write a page to look at.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show a message as sample clients would get it: a long name, none at all, another language, right to left."""
    settings = settings_for("tool") if clinic else load()
    content = load_content(settings.home)
    key = key_of_path(content, place)
    shown = in_loop(lambda: _preview(settings, content, clinic, key, number, _source(place)))
    if html is not None:
        html.write_text(preview_page(where_of(key), shown), "utf-8")
        typer.echo(f"Wrote {html}.")
    elif as_json:
        print_json([shown_json(one) for one in shown])
    else:
        print_shown(shown)


@app.command("test")
def send_test(
    place: File,
    clinic: ClinicOption,
    to: Annotated[str, typer.Option(help="A staff member, who has confirmed that number or address.")],
    number: Annotated[int, typer.Option("--version", help="A version, draft or not; else what is sent now.")] = 0,
    sample: Annotated[str, typer.Option(help="Which sample client it is written to.")] = "ordinary",
) -> None:
    """Send a message as a test to a member of the clinic's staff: to nobody else, and marked as one."""
    settings = settings_for("tool")
    content = load_content(settings.home)
    key = key_of_path(content, place)
    address = in_loop(lambda: _test(settings, content, clinic, key, to, number=number, sample=sample))
    typer.echo(f"A test of {where_of(key)} is on its way to {to}, {address}.")


@app.command("pull")
def pull(
    folder: Folder,
    clinic: ClinicOption,
    shipped: Annotated[bool, typer.Option("--shipped", help="The shipped words, too, to begin with.")] = False,
) -> None:
    """Write a clinic's own words into files, in their newest version, with the warnings that were accepted."""
    settings = settings_for("tool")
    content = load_content(settings.home)
    written = in_loop(lambda: pull_words(settings, content, folder, clinic, shipped=shipped))
    typer.echo(f"Wrote {written} file{'' if written == 1 else 's'} to {folder}.")


@app.command("push")
def push(
    folder: Folder,
    clinic: ClinicOption,
    publish: Annotated[bool, typer.Option("--publish", help="Show what changed, and send it from now on.")] = False,
    note: NoteOption = "",
    author: AuthorOption = "",
) -> None:
    """Save what has changed in a folder as drafts. Nothing is saved where anything is wrong."""
    settings = settings_for("tool")
    content = load_content(settings.home)
    in_loop(lambda: push_words(settings, content, folder, clinic, _change(author, note), publish=publish))


@app.command("restore")
def restore(
    place: File,
    clinic: ClinicOption,
    number: Annotated[
        int | None, typer.Option("--version", min=0, help="0: the shipped words. Without one, those there are.")
    ] = None,
    note: NoteOption = "",
    author: AuthorOption = "",
) -> None:
    """Send an earlier version of a message again, or the shipped words; without a version, list those there are."""
    settings = settings_for("tool")
    content = load_content(settings.home)
    key = key_of_path(content, place)
    if number is None:
        print_versions(in_loop(lambda: _open(settings, content, clinic, key)))
        return
    done = in_loop(lambda: _restore(settings, content, clinic, key, number, _change(author, note)))
    what = f"version {number} is" if number else "the shipped words are"
    typer.echo(f"{where_of(key)}: {what} sent again, as version {done.number}; {_touched(done)}")


@app.command("hold")
def hold(
    place: Place,
    clinic: ClinicOption,
    medium: MediumOption = "",
    locale: LocaleOption = "",
    note: NoteOption = "",
    author: AuthorOption = "",
) -> None:
    """Stop sending a message, at once; what falls due waits for `release`, until it expires."""
    what = _what(place, medium, locale)
    settings = settings_for("tool")
    in_loop(lambda: _hold(settings, clinic, what, _change(author, note)))
    typer.echo(f"Held {_named(what)} of {clinic}.")


@app.command("release")
def release(place: Place, clinic: ClinicOption, medium: MediumOption = "", locale: LocaleOption = "") -> None:
    """Let a held message go on; what waited is sent now, within quiet hours and its expiry."""
    what = _what(place, medium, locale)
    settings = settings_for("tool")
    in_loop(lambda: _release(settings, clinic, what))
    typer.echo(f"Released {_named(what)} of {clinic}.")


def _in_clinic(settings: Settings, content: Content, clinic: str, found: list[Found]) -> list[Found]:
    return in_loop(lambda: words_in_clinic(settings, content, clinic, found))


async def _preview(
    settings: Settings, content: Content, clinic: str | None, key: TemplateKey, number: int, source: str | None
) -> list[Shown]:
    if clinic is not None:
        async with open_store(settings) as database:
            await require_clinic(database, clinic)
            return await TemplateBook(database, content, writing_rules(settings)).preview(clinic, key, number, source)
    house = house_of(sample_clinic(), clock.now())
    at = treated_at(content, key, clinic_facts(house), house.booking_url, writing_rules(settings))
    return looks(Wordings(content.templates), house, Own(), key, at, source)


async def _test(
    settings: Settings, content: Content, clinic: str, key: TemplateKey, to: str, *, number: int, sample: str
) -> str:
    async with open_store(settings) as database:
        await require_clinic(database, clinic)
        trials = Trials(database, TemplateBook(database, content, writing_rules(settings)))
        address, _ = await trials.send(clinic, key, to, number=number, sample=sample, asked_by=someone().id)
    return address


def _change(author: str, note: str) -> Change:
    return Change(author or someone().id, note, who=str(someone()))


async def _open(settings: Settings, content: Content, clinic: str, key: TemplateKey) -> Sheet:
    async with open_store(settings) as database:
        await require_clinic(database, clinic)
        return await TemplateBook(database, content, writing_rules(settings)).open(clinic, key)


async def _restore(
    settings: Settings, content: Content, clinic: str, key: TemplateKey, number: int, change: Change
) -> Published:
    """After the newest version that there is: whoever types this means what is stored now."""
    async with open_store(settings) as database:
        await require_clinic(database, clinic)
        book = TemplateBook(database, content, writing_rules(settings))
        newest = (await book.open(clinic, key)).standing.newest
        return await book.restore(clinic, key, number, replace(change, based_on=newest))


def _touched(done: Published) -> str:
    return f"{done.touches} scheduled reminder{' is' if done.touches == 1 else 's are'} touched"


async def _hold(settings: Settings, clinic: str, what: Json, change: Change) -> None:
    content = load_content(settings.home)
    async with open_store(settings) as database:
        await require_clinic(database, clinic)
        await TemplateBook(database, content, writing_rules(settings)).hold(clinic, what, change)


async def _release(settings: Settings, clinic: str, what: Json) -> None:
    content = load_content(settings.home)
    async with open_store(settings) as database:
        await require_clinic(database, clinic)
        await TemplateBook(database, content, writing_rules(settings)).release(clinic, what, str(someone()))


def _what(place: str, medium: str, locale: str) -> Json:
    protocol, slash, step = place.partition("/")
    if not (protocol and slash and step):
        raise BadInput(Problem("invalid-place", place, "write <protocol>/<step>, like microneedling/day-1-sunscreen"))
    return {"protocol": protocol, "step": step, "medium": medium, "locale": locale}


def _named(what: Json) -> str:
    return " ".join(
        [f"{what['protocol']}/{what['step']}", *(what[name] for name in ("medium", "locale") if what[name])]
    )


def _source(place: Path) -> str | None:
    if not place.is_file():
        return None
    try:
        return place.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise BadInput(Problem("unreadable-file", str(place), "the file cannot be read as UTF-8 text")) from None
