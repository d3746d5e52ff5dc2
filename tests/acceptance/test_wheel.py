"""The wheel: what people install, far from any checkout, with its own configuration and words."""

import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from pyreqwest.client import Client

from tests.acceptance.trial import FALL_DUE_AT_ONCE, trial
from tests.support.processes import CHECKOUT, Processes

PARTS = ("service", "config", "templates", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of a fresh environment into which the wheel was installed, without any network."""
    folder = tmp_path_factory.mktemp("wheel")
    wheel = _built(_copied(folder / "source"), folder)
    home = folder / "environment"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    _run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps", wheel)
    # What it depends on is borrowed from the environment of the tests.
    site = Path(sysconfig.get_path("purelib", vars={"base": str(home)}))
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return home / "bin" / "aftercare"


def _copied(folder: Path) -> Path:
    """The checkout without what building leaves behind."""
    folder.mkdir()
    for part in PARTS:
        source = CHECKOUT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / part)
    return folder


def _built(source: Path, folder: Path) -> Path:
    _run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=source)
    (wheel,) = folder.glob("*.whl")
    return wheel


def _run(*command: object, cwd: Path | None = None) -> None:
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


async def test_the_wheel_checks_and_runs_with_what_it_brings_along(
    installed: Path, processes: Processes, client: Client
) -> None:
    program = (str(installed),)
    checked = await processes.command("check", program=program)
    assert (checked.code, checked.err) == (0, "")
    assert re.match(r"In order: 10 protocols, \d+ steps, \d+ texts in en and es\.\n", checked.out)

    run = await trial(processes, client, program)
    await run.until_captured(*FALL_DUE_AT_ONCE)
    await run.process.stops()

    python = (str(installed.with_name("python")), "-P")
    where = await processes.command("-c", "import service; print(service.__file__)", program=python)
    assert Path(where.out).is_relative_to(installed.parents[1])
