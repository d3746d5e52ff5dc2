"""`aftercare protocol`: which care protocols a clinic has confirmed; the others are not sent to anybody."""

from typing import Annotated, Any

import typer

from service.authoring.reviews import confirm, reviews, unconfirmed
from service.cli.someone import someone
from service.cli.tools import ClinicOption, JsonOption, in_loop, open_store, print_json, require_clinic, settings_for
from service.content import LOCALES, Content, load_content
from service.settings import Settings

app = typer.Typer(help="Care protocols: list, confirm.", no_args_is_help=True)


@app.command("list")
def list_(clinic: ClinicOption, as_json: JsonOption = False) -> None:
    """What a clinic has confirmed, by whom, and what waits for that: it stays in the outbox."""
    settings = settings_for("tool")
    content = load_content(settings.home)
    rows = in_loop(lambda: _reviews(settings, clinic))
    waiting = unconfirmed(content, rows, LOCALES)
    if as_json:
        names = ("protocol", "locale", "clinician", "reader", "confirmed_at")
        print_json({"confirmed": [{name: getattr(row, name) for name in names} for row in rows], "waiting": waiting})
        return
    for row in rows:
        typer.echo(f"{row.protocol} in {row.locale}: confirmed by {row.clinician}, read by {row.reader}")
    for code, locales in waiting.items():
        typer.echo(f"{code} in {' and '.join(locales)}: not yet confirmed, so its messages stay in the outbox")


@app.command("confirm")
def confirm_(
    protocols: Annotated[list[str], typer.Argument(help="Codes, like microneedling; `all` for every one there is.")],
    clinic: ClinicOption,
    clinician: Annotated[str, typer.Option(help="Who stands behind what is said.")],
    reader: Annotated[str, typer.Option(help="Who read it in their own language.")],
    locale: Annotated[str, typer.Option(help="The language that was read.")] = "en",
) -> None:
    """Let protocols be sent to a clinic's clients in a language. First read them: `aftercare check --explain`."""
    settings = settings_for("tool")
    content = load_content(settings.home)
    codes = list(content.protocols) if protocols == ["all"] else protocols
    in_loop(lambda: _confirm(settings, content, clinic, codes, locale, clinician, reader))
    typer.echo(f"Confirmed for {clinic} in {locale}: {', '.join(codes)}.")


async def _reviews(settings: Settings, clinic: str) -> Any:
    async with open_store(settings) as database:
        await require_clinic(database, clinic)
        return await reviews(database, clinic)


async def _confirm(
    settings: Settings, content: Content, clinic: str, codes: list[str], locale: str, clinician: str, reader: str
) -> None:
    async with open_store(settings) as database:
        await require_clinic(database, clinic)
        who = {"clinician": clinician, "reader": reader, "doer": str(someone())}
        await confirm(database, content, clinic, codes, locale, **who)
