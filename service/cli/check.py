"""`aftercare check`: are settings, protocols and words in order?"""

from typing import Annotated

import typer

from service.content import LOCALES, load_content
from service.protocols import explain
from service.settings import load


def check(
    explained: Annotated[bool, typer.Option("--explain", help="Write out every step with its defaults.")] = False,
) -> None:
    """Check settings, protocols and templates, and each against the others."""
    settings = load()
    content = load_content(settings.home)
    if explained:
        for protocol in content.protocols.values():
            typer.echo(explain(protocol))
    steps = sum(len(protocol.steps) for protocol in content.protocols.values())
    typer.echo(
        f"In order: {len(content.protocols)} protocols, {steps} steps, "
        f"{len(content.templates.wordings)} texts in {' and '.join(LOCALES)}."
    )
    waiting = [code for code, protocol in content.protocols.items() if not protocol.reviewed]
    if waiting:
        typer.echo(f"Not yet confirmed by a clinician: {', '.join(waiting)}.")
