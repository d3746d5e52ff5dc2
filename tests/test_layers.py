"""House rules that a linter can hold: they are kept, and a breach that is planted here is found."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}
PHRASE = re.compile(r"[a-z][a-z0-9 ,.'_-]{0,99}")


MODULES = sorted((CHECKOUT / "service").rglob("*.py"))
CLIENTS = {"aiohttp", "ftplib", "http.client", "httpx", "pyreqwest", "requests", "smtplib", "urllib.request", "urllib3"}
"""What can ask something of another machine."""


def test_imports_point_one_way() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "line",
    [
        "datetime.datetime.now(datetime.UTC)",
        "datetime.datetime.today()",
        "datetime.date.today()",
        "time.time()",
        "time.monotonic()",
        "whenever.Instant.now()",
        "whenever.ZonedDateTime.now('UTC')",
    ],
)
@pytest.mark.parametrize(("module", "allowed"), [("service/plan/made_up.py", False), ("service/clock.py", True)])
def test_only_the_clock_asks_what_time_it_is(line: str, module: str, allowed: bool) -> None:
    done = subprocess.run(
        [
            Path(sys.executable).with_name("ruff"),
            "check",
            "--no-cache",
            "--select",
            "TID251",
            "--stdin-filename",
            module,
            "-",
        ],
        cwd=CHECKOUT,
        input=f"import datetime\nimport time\nimport whenever\n\n{line}\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) is allowed, done.stdout


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_a_log_line_says_a_fixed_phrase(module: Path) -> None:
    """What is said of a client goes into keys, where the gate of `logs` sees it."""
    for call in ast.walk(ast.parse(module.read_text())):
        if not isinstance(call, ast.Call) or not is_log_call(call.func):
            continue
        place = f"{module.name}:{call.lineno}"
        (event,) = call.args if len(call.args) == 1 else (None,)
        assert isinstance(event, ast.Constant), f"{place}: one literal phrase, the rest as keys"
        assert PHRASE.fullmatch(str(event.value)), f"{place}: a phrase in lower case"


def is_log_call(called: ast.expr) -> bool:
    return (
        isinstance(called, ast.Attribute)
        and called.attr in LEVELS
        and isinstance(called.value, ast.Name)
        and called.value.id.lower().strip("_") in {"log", "logger"}
    )


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_nothing_but_the_channels_can_ask_anything_of_another_machine(module: Path) -> None:
    """They ask the two providers, at addresses that the operator sets: never one that a clinic or client gave."""
    own = module.relative_to(CHECKOUT / "service").parts[0]
    assert own in {"channels", "sandbox"} or not CLIENTS & imported(ast.parse(module.read_text()))


def imported(module: ast.Module) -> set[str]:
    """Names of modules, with those of the packages that they are in."""
    names: set[str] = set()
    for statement in ast.walk(module):
        if isinstance(statement, ast.Import):
            names |= {alias.name for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            names |= {statement.module, *(f"{statement.module}.{alias.name}" for alias in statement.names)}
    return names | {name.partition(".")[0] for name in names}
