"""The table of commands: it lists all there is, and a command imports no more than its part of the house."""

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from service.cli.clinic import _COMMANDS as OF_CLINIC
from service.cli.lazy import Lazy
from service.cli.main import _COMMANDS, app
from tests.support.processes import CHECKOUT

ALL = (*_COMMANDS, *OF_CLINIC)
HEAVY = ("sqlalchemy", "alembic", "liquid", "fastapi", "apscheduler")


@pytest.mark.parametrize("command", ALL, ids=lambda command: command.name)
def test_every_command_is_where_the_table_says(command: Lazy) -> None:
    assert command.imported().name == command.name


def test_help_lists_every_command_in_one_whole_line() -> None:
    shown = CliRunner().invoke(app, ["--help"], terminal_width=100).output
    for command in _COMMANDS:
        assert f"  {command.name} " in shown
        assert f" {command.help}\n" in shown
    assert "  sign-in " in CliRunner().invoke(app, ["clinic", "--help"]).output


def test_a_slip_is_answered_with_what_there_is() -> None:
    refused = CliRunner().invoke(app, ["clinic", "lst"])
    assert (refused.exit_code, "'list'" in refused.output) == (2, True)


@pytest.mark.parametrize(
    ("words", "needs"),
    [
        (["--help"], []),
        (["remind"], []),
        (["clinic", "list", "--help"], ["sqlalchemy"]),
        (["key", "add", "--help"], ["sqlalchemy"]),
        (["migrate", "--help"], ["sqlalchemy", "alembic"]),
        (["event", "--help"], ["sqlalchemy"]),
        (["worker", "--help"], ["sqlalchemy", "liquid", "apscheduler"]),
    ],
    ids=" ".join,
)
def test_a_command_imports_its_part_of_the_house_alone(words: list[str], needs: list[str]) -> None:
    program = (
        "import atexit, json, sys\n"
        f"atexit.register(lambda: print(json.dumps([name for name in {HEAVY} if name in sys.modules])))\n"
        "from service.cli.main import main\nmain()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        env={"PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert json.loads(done.stdout.splitlines()[-1]) == needs, done.stderr
