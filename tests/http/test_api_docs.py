"""docs/api.md is true: its examples run, its routes and codes are those of the house, all of them."""

import ast
import asyncio
import re
import sys
import textwrap
from pathlib import Path

import orjson
import pytest

import service
from service import clock
from service.store.keys import ALL_SCOPES, PLATFORM
from service.store.tables import Event
from tests.dispatch.acting import on_sqlite, the
from tests.http.serving import Web

DOCS = (Path(__file__).parents[2] / "docs/api.md").read_text("utf-8")
ROOMS = ("http", "acts", "authoring", "clinic_fields.py", "clinics.py", "desk.py", "events", "forecast.py",
         "intake/advice.py", "intake/group.py", "intake/mapping.py", "intake/record.py", "keyring.py", "locations.py",
         "senders.py", "preview.py", "privacy", "staff", "timing.py")  # fmt: skip
"""Whatever answers for the API."""
ELSEWHERE = {
    "unknown-field",  # a warning, named beside the table
    *("template-unknown-file", "unreadable-file"),  # of folders of files
}
"""What the API never answers."""


RAISED_BY = {"Problem", "_refused", "_bad", "_Refused"}


def examples() -> list[str]:
    """Every curl of the page, whole."""
    lines = [line.removeprefix("    ") for line in DOCS.splitlines() if line.startswith("    ") or not line]
    return [found.strip() for found in re.findall(r"^curl .*?(?=^curl |^\"story|^$|\Z)", "\n".join(lines), re.M | re.S)]


def program() -> str:
    """The page's afternoon, in Python."""
    afternoon = DOCS.partition("## An afternoon")[2].partition("\n## ")[0]
    lines = [line for line in afternoon.splitlines() if line.startswith("    ") or not line]
    return textwrap.dedent("\n".join(lines))


async def run(environment: dict[str, str], *command: str) -> tuple[int | None, str]:
    whole = {"PATH": "/usr/bin:/bin", "NO_PROXY": "*"} | environment
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env=whole
    )
    said = (await process.communicate())[0].decode()
    return process.returncode, said


@on_sqlite
async def test_every_example_runs_and_is_answered(web: Web) -> None:
    key = await web.issue(" ".join(ALL_SCOPES))
    platform = await web.issue(clinic=PLATFORM)
    environment = {"AFTERCARE": web.url, "KEY": key, "PLATFORM": platform, "NOW": f"{clock.now():%FT%TZ}"}
    answers = []
    for example in examples():
        _, said = await run(
            environment, "sh", "-c", example.replace("curl -s", "curl -s --noproxy '*' -w '\n%{http_code}'")
        )
        body, _, status = said.rpartition("\n")
        answers.append((example, int(status), orjson.loads(body)))
        if status == "201":
            row = await the(web.house)
            environment |= {"REMINDER": str(row.id), "TOMORROW": f"{row.due_at:%Y-%m-%d}"}
    refused = {example: (status, body["code"]) for example, status, body in answers if status not in {200, 201}}
    assert list(refused.values()) == [(409, "nothing-in-doubt")], refused
    assert answers[0][2]["result"] == "planned"
    assert len(answers) > 15


@on_sqlite
async def test_the_afternoon_runs_from_the_first_line_to_the_last(web: Web) -> None:
    key = await web.issue("events:write plans:read")
    status, said = await run({"AFTERCARE": web.url, "KEY": key}, sys.executable, "-c", program())
    assert status == 0, said
    assert "day-1-sunscreen" in said
    assert [row.id[-2:] for row in await web.house.rows(Event)] == ["-1", "-2"]


@on_sqlite
async def test_every_route_is_on_the_page(web: Web) -> None:
    document = (await web.send("GET", "/openapi.json")).json
    for path in document["paths"]:
        if not path.startswith("/v1/templates"):
            words = path.replace("/v1/reminders/{id}/", "| `")
            assert words in DOCS, path


def written_codes() -> set[str]:
    folder = Path(service.__file__).parent
    found: set[str] = set()
    for room in ROOMS:
        for path in sorted((folder / room).rglob("*.py")) if (folder / room).is_dir() else [folder / room]:
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in RAISED_BY:
                    found |= {str(one.value) for one in node.args[:1] if isinstance(one, ast.Constant)}
    return found


def test_every_error_code_is_on_the_page() -> None:
    table = DOCS.partition("## Error codes")[2]
    missing = {code for code in written_codes() - ELSEWHERE if f"`{code}`" not in table}
    assert not missing
    assert len(written_codes()) > 70


@pytest.mark.parametrize("scope", ALL_SCOPES)
def test_every_scope_is_on_the_page(scope: str) -> None:
    assert f"| `{scope}` |" in DOCS
