"""Logs: canaries of personal data and secrets never get out, by whichever door they try, and what is harmless does."""

import asyncio
import io
import json
import logging
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service import clock, logs
from service.errors import BadInput, Problem
from service.types import FailureClass, Medium

PERSONAL = [
    "+447400123456",
    "07400 123456",
    "447400123456",
    "(740) 012-3456",
    "ada@example.com",
    "Ada",
    "Ada Lovelace",
    "No retinol for 10 days",
    "https://aftercare.example/p/q8Zr-secret?to=ada@example.com",
    "postgresql://ada:hunter2@db/x",
]
REMINDER = "018f4e2a-1234-7000-8000-123456789012"


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What a configured process writes; the process is as before afterwards."""
    for module, name in ((sys, "excepthook"), (sys, "unraisablehook"), (threading, "excepthook")):
        monkeypatch.setattr(module, name, getattr(module, name))
    root, handlers, level = logging.getLogger(), logging.getLogger().handlers[:], logging.getLogger().level
    stream = io.StringIO()
    logs.configure("debug", stream=stream)
    yield stream
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)
    logs.configure_ours()


def lines(written: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_time_level_room_and_event(written: io.StringIO) -> None:
    logs.get("service.dispatch").info("reminder started", reminder=REMINDER, count=3, late=timedelta(seconds=1.5))
    (line,) = lines(written)
    assert datetime.fromisoformat(line.pop("at")).tzinfo == UTC
    assert line == {
        "level": "info",
        "logger": "service.dispatch",
        "event": "reminder started",
        "reminder": REMINDER,
        "count": 3,
        "late": 1.5,
    }


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("reminder", UUID(REMINDER), REMINDER),
        ("clinic", "glow-soho", "glow-soho"),
        ("medium", Medium.SMS, "sms"),
        ("failure", FailureClass.ROUTE, "route"),
        ("step", "day-1-sunscreen", "day-1-sunscreen"),
        ("route", "/v1/events/{id}", "/v1/events/{id}"),
        ("migration", "0001_the_first_schema", "0001_the_first_schema"),
        ("state", ["sent", "failed"], ["sent", "failed"]),
        ("anything", True, True),
        ("anything", None, None),
        ("anything", 9_999_999, 9_999_999),
        ("anything", 0.25, 0.25),
    ],
)
def test_words_of_ours_ids_and_numbers_get_out(key: str, value: object, shown: object, written: io.StringIO) -> None:
    logs.get("service").info("tried", **{key: value})
    assert lines(written)[0][key] == shown


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "ada"),
        ("phone", "+447400123456"),
        ("number", 447400123456),
        ("number", 447400123456.0),
        ("reason", "Ada asked for it"),
        ("code", "ada@example.com"),
        ("reminder", "07400123456"),
        ("born", date(1815, 12, 10)),
        ("data", {"first_name": "Ada"}),
        ("people", ["Ada", "Grace"]),
        ("client", UUID(REMINDER)),
        ("body", b"Ada"),
    ],
)
def test_whatever_else_is_hidden(key: str, value: object, written: io.StringIO) -> None:
    logs.get("service").info("tried", **{key: value})
    shown = lines(written)[0][key]
    assert set(shown if isinstance(shown, list) else [shown]) == {logs.HIDDEN}


@pytest.mark.parametrize("canary", PERSONAL)
@pytest.mark.parametrize("human", [False, True])
def test_personal_data_gets_out_by_no_door(canary: str, human: bool, written: io.StringIO) -> None:
    logs.configure("debug", human=human, stream=written)
    log = logs.get("service")
    with logs.context(client=canary, clinic="glow"):
        log.info(f"sent to {canary}")  # noqa: G004 - what ruff forbids is hidden all the same
        log.info("sent", to=canary, note=[canary], extra={"x": canary}, reason=f"{canary} said")
        log.warning(canary)
        log.info("sent to %s", canary)
    for library in ("uvicorn.error", "apscheduler.scheduler", "twilio.http_client", "sqlalchemy.engine", "asyncio"):
        logging.getLogger(library).error("Failed for %s: %s", canary, {"to": canary})
        logging.getLogger(library).error(canary)
        logging.getLogger(library).error(f"{canary} failed")  # noqa: G004 - libraries do
    try:
        raise_about(canary)
    except ExceptionGroup:
        log.exception("pass failed")
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(canary, stacklevel=1)
    text = written.getvalue()
    assert len(text.splitlines()) >= 20
    assert canary not in text
    assert "Lovelace" not in text


def raise_about(canary: str) -> None:
    """A group of errors, raised from another; the local variable may show in no trace."""
    try:
        UUID(canary)
    except ValueError as error:
        raise ExceptionGroup(canary, [KeyError(canary), BadInput(Problem("bad-phone", "", canary))]) from error


def test_an_error_is_shown_by_type_code_and_place(written: io.StringIO) -> None:
    try:
        raise_about("Ada")
    except ExceptionGroup:
        logs.get("service").exception("pass failed", clinic="glow")
    (line,) = lines(written)
    assert line["error"] == "ExceptionGroup"
    assert line["codes"] == ["bad-phone"]
    assert line["causes"] == ["KeyError", "service.errors.BadInput", "ValueError"]
    assert line["trace"][-1].startswith("tests.test_logs:raise_about:")


def test_an_error_of_the_system_shows_its_number(written: io.StringIO) -> None:
    try:
        raise FileNotFoundError(2, "No such file", "/home/ada")
    except OSError:
        logs.get("service").exception("pass failed")
    assert lines(written)[0]["codes"] == ["errno 2"]


def test_what_a_library_says_is_cut_before_its_arguments(written: io.StringIO) -> None:
    logging.getLogger("apscheduler").warning("Run time of job %r was missed", "Ada")
    (line,) = lines(written)
    assert (line["logger"], line["event"], line["level"]) == ("apscheduler", "run time of job", "warning")
    assert line["place"].startswith("test_logs:")


def test_libraries_are_quiet_below_a_warning(written: io.StringIO) -> None:
    for library in ("uvicorn.error", "uvicorn.access", "apscheduler.executors.default", "sqlalchemy.engine", "twilio"):
        logging.getLogger(library).info("Request to %s", "x")
    logging.getLogger("uvicorn.access").error('%s - "%s %s HTTP/%s" %d', "10.0.0.1", "GET", "/p/token", "1.1", 200)
    assert lines(written) == []


def test_the_level_holds(written: io.StringIO) -> None:
    logs.configure("warning", stream=written)
    log = logs.get("service")
    log.info("too little")
    log.warning("enough")
    assert [line["event"] for line in lines(written)] == ["enough"]


async def test_a_task_that_nobody_awaited_is_logged_without_its_words(written: io.StringIO) -> None:
    async def fail() -> None:
        raise ValueError("ada@example.com")

    task = asyncio.get_running_loop().create_task(fail())
    await asyncio.wait([task])
    del task
    assert "ada@example.com" not in written.getvalue()
    assert [line["error"] for line in lines(written)] == ["ValueError"]


def test_a_crash_is_one_line_without_words() -> None:
    script = "\n".join(
        [
            "from service import logs",
            "logs.configure()",
            "import threading",
            "def crash(secret): raise RuntimeError(secret)",
            "thread = threading.Thread(target=crash, args=['ada@example.com'])",
            "thread.start(); thread.join()",
            "crash('ada@example.com')",
        ]
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert [json.loads(line)["event"] for line in done.stderr.splitlines()] == ["uncaught exception"] * 2
    assert "ada" not in done.stderr


def test_a_log_that_cannot_be_written_stops_nothing() -> None:
    stream = io.StringIO()
    stream.close()
    logs.configure_ours(stream=stream)
    logs.get("service").info("lost")
    logs.configure_ours()


def test_the_gate_stands_before_anyone_configured_it(capsys: pytest.CaptureFixture[str]) -> None:
    logs.get("service").info("tried", phone="+447400123456")
    printed = capsys.readouterr()
    assert printed.out == ""
    assert json.loads(printed.err)["phone"] == logs.HIDDEN


@given(st.text(min_size=1), st.text(min_size=1))
def test_any_text_under_any_key_makes_one_line_of_json(key: str, value: str) -> None:
    stream = io.StringIO()
    logs.configure_ours(stream=stream)
    logs.get("service").info("tried", **{f"k_{key}": value})
    logs.configure_ours()
    line, after = stream.getvalue().split("\n")
    assert after == ""
    assert json.loads(line)["event"] == "tried"


def test_the_time_is_that_of_the_clock(written: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 11, 20, 15, tzinfo=UTC))
    logs.get("service").info("tried")
    assert lines(written)[0]["at"] == "2026-11-20T15:00:00.000+00:00"
