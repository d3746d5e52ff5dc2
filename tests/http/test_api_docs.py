"""docs/api.md is true: its examples run, its routes and codes are those of the house, all of them."""

import ast
import asyncio
import re
from pathlib import Path

import orjson
import pytest

import service
from tests.dispatch.acting import on_sqlite, the
from tests.http.serving import Web

DOCS = (Path(__file__).parents[2] / "docs/api.md").read_text("utf-8")
ROOMS = ("http/auth.py", "http/events.py", "http/manners.py", "http/problems.py", "http/records.py",
         "http/reminders.py", "acts", "desk.py", "events",
         "intake/group.py", "intake/record.py", "timing.py")  # fmt: skip
ELSEWHERE = {"unknown-field"}
"""Warnings, which are named beside the table."""


def examples() -> list[str]:
    """Every curl of the page, whole."""
    lines = [line.removeprefix("    ") for line in DOCS.splitlines() if line.startswith("    ") or not line]
    return [found.strip() for found in re.findall(r"^curl .*?(?=^curl |^\"story|^$|\Z)", "\n".join(lines), re.M | re.S)]


@on_sqlite
async def test_every_example_runs_and_is_answered(web: Web) -> None:
    key = await web.issue("events:write plans:read plans:write")
    environment = {"AFTERCARE": web.url, "KEY": key, "PATH": "/usr/bin:/bin"}
    answers = []
    for example in examples():
        process = await asyncio.create_subprocess_exec(
            "sh", "-c", example.replace("curl -s", "curl -s --noproxy '*' -w '\n%{http_code}'"),
            stdout=asyncio.subprocess.PIPE, env=environment,
        )  # fmt: skip
        body, _, status = (await process.communicate())[0].decode().rpartition("\n")
        answers.append((example.split('"')[1].rpartition("/")[2], int(status), orjson.loads(body)))
        if status == "201":
            row = await the(web.house)
            environment |= {"REMINDER": str(row.id), "TOMORROW": f"{row.due_at:%Y-%m-%d}"}
    assert [status for _, status, _ in answers] == [201, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 409]
    assert answers[0][2]["result"] == "planned"
    assert answers[-1][2]["code"] == "nothing-in-doubt"


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
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"Problem", "_refused", "_bad"}:
                    found |= {str(one.value) for one in node.args[:1] if isinstance(one, ast.Constant)}
    return found


def test_every_error_code_is_on_the_page() -> None:
    table = DOCS.partition("## Error codes")[2]
    missing = {code for code in written_codes() if f"`{code}`" not in table}
    assert not missing
    assert len(written_codes() - ELSEWHERE) > 30


@pytest.mark.parametrize("scope", ["events:write", "plans:read", "plans:write", "templates:write"])
def test_every_scope_is_on_the_page(scope: str) -> None:
    assert f"| `{scope}` |" in DOCS
