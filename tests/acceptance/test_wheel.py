"""The wheel: what people install, far from any checkout, with its own configuration and words."""

import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.support.processes import CHECKOUT, Processes, free_port

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


async def test_the_wheel_checks_and_runs_with_what_it_brings_along(installed: Path, processes: Processes) -> None:
    program = (str(installed),)
    checked = await processes.command("check", program=program)
    assert (checked.code, checked.err) == (0, "")
    assert re.match(r"In order: 10 protocols, \d+ steps, \d+ texts in en and es\.\n", checked.out)

    running = processes.start("run", program=program, settings={"PORT": str(free_port())})
    await running.says("Sign in  http://127.0.0.1:")
    await running.says("worker started")
    await running.stops()
    where = await processes.command(
        "-c", "import service; print(service.__file__)", program=(str(installed.parent / "python"), "-P")
    )
    assert Path(where.out).is_relative_to(installed.parents[1])
