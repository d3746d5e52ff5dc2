"""The API against its own description: schemathesis with all its checks, on a real process with something to find.

A short run in the suite; `make fuzz` takes its time (`AFTERCARE_FUZZ_SECONDS`). What is bent, and why, is in
schemathesis.toml.
"""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from service.store.keys import ALL_SCOPES, PLATFORM
from tests.http.serving import serving
from tests.support.house import close_house, open_house, visit

SECONDS = int(os.environ.get("AFTERCARE_FUZZ_SECONDS", "10"))
SHORT = SECONDS <= 10
CONFIG = Path(__file__).with_name("schemathesis.toml")
PHASES = "examples,fuzzing" if SHORT else "examples,coverage,fuzzing,stateful"


@pytest.mark.parametrize("kind", ["postgresql"], indirect=True)  # the stricter of the two
async def test_the_api_does_what_its_description_says(migrated_url: str, tmp_path: Path) -> None:
    house = await open_house(migrated_url, on_host_clock=True)
    await house.take(visit())
    async with serving(house) as web:
        keys = {"CLINICS_KEY": await web.issue(" ".join(ALL_SCOPES)), "PLATFORMS_KEY": await web.issue(clinic=PLATFORM)}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run", f"{web.url}/openapi.json",
            "--checks", "all", "--phases", PHASES, "--no-color",
            "--max-examples", "1" if SHORT else "100", "--max-time", str(SECONDS), "--continue-on-failure",
            *(["--seed", "1"] if SHORT else []),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            env=os.environ | keys | {"NO_PROXY": "*"}, cwd=tmp_path,
        )  # fmt: skip
        told = (await process.communicate())[0].decode()
    await close_house(house)
    assert process.returncode == 0, told
    sys.stdout.write(told[told.find("SUMMARY") :])
