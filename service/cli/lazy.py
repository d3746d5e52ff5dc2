"""Commands that are imported when they are called, so that a command costs no more than it needs.

A group knows its commands by name, place and sentence: enough for `--help`, for suggestions, and for refusing what does
not exist. Only the command that is called is imported; what Click's documentation calls a lazy group.

    app = typer.Typer(cls=lazy_group(Lazy("event", "service.cli.event:event", "Take in events from a file.")))
"""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


class Lazy(TyperCommand):
    """A command before it is imported. `place` is `module:name` of a function or of a `typer.Typer` with commands."""

    def __init__(self, name: str, place: str, sentence: str) -> None:
        super().__init__(name, help=sentence)
        self._place = place

    def imported(self) -> Any:
        """The command itself; of a group, the sentence stands here alone."""
        module, _, attribute = self._place.partition(":")
        found = getattr(import_module(module), attribute)
        around = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
        around.callback()(lambda: None)  # keeps one command a group, as which all of them are asked for
        if isinstance(found, typer.Typer):
            around.add_typer(found, name=self.name, help=self.help)
        else:
            around.command(self.name)(found)
        return typer.main.get_group(around).commands[str(self.name)]


def lazy_group(*commands: Lazy) -> type[TyperGroup]:
    """A class of groups that have these commands, after those that are registered in the usual way."""

    class LazyGroup(TyperGroup):
        def __init__(self, **attributes: Any) -> None:
            super().__init__(**attributes)
            self.commands.update({str(command.name): command for command in commands})

        def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
            name, command, rest = super().resolve_command(ctx, args)
            return name, command.imported() if isinstance(command, Lazy) else command, rest

    return LazyGroup
