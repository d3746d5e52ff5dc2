"""What cannot work is refused at the start: by name, with the accepted form, with the exit code, without a secret."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from service.store.revision import REVISION
from tests.acceptance.live import PASSWORD, SECRET_KEY
from tests.conftest import new_postgres_database
from tests.support.postgres import Server
from tests.support.processes import CHECKOUT, Processes, free_port
from tests.support.terminal import type_

DATABASE = {"DATABASE_URL": "sqlite:///aftercare.db"}
SIGNED = {"AFTERCARE_SECRET_KEY": SECRET_KEY}
OUTBOX = {"AFTERCARE_CHANNELS": "outbox"}
NO_DATABASE = "aftercare: DATABASE_URL: is not set: give postgresql://user:password@host/name or sqlite:///file.db"
NO_KEY = "aftercare: AFTERCARE_SECRET_KEY: is not set: give a random text of at least 32 characters"
NO_PROVIDER = "aftercare: AFTERCARE_CHANNELS: no provider is configured: set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN"


@pytest.mark.parametrize(
    ("command", "settings", "sentences"),
    [
        ("worker", {}, [NO_DATABASE, NO_KEY, NO_PROVIDER]),
        (
            "worker",
            DATABASE | SIGNED | OUTBOX | {"AFTERCARE_WORKER__SLOTS": "many", "AFTERCARE_WORKER__SLOTZ": "4"},
            [
                "aftercare: environment AFTERCARE_WORKER__SLOTZ: is not a setting; did you mean ",
                "aftercare: environment AFTERCARE_WORKER__SLOTS: must be a whole number from 1 to 10000",
            ],
        ),
        (
            "run",
            {
                "DATABASE_URL": f"mysql://me:{PASSWORD}@host/name",
                "AFTERCARE_SECRET_KEY": SECRET_KEY[:20],
                "TWILIO_AUTH_TOKEN": "sandbox-auth-token with spaces",
            },
            [
                "aftercare: environment TWILIO_AUTH_TOKEN: is of no use without TWILIO_ACCOUNT_SID",
                "aftercare: environment DATABASE_URL: must be postgresql://user:password@host:5432/name",
                "aftercare: environment TWILIO_AUTH_TOKEN: must be the provider's key itself",
                "aftercare: environment AFTERCARE_SECRET_KEY: must be one key, or several",
            ],
        ),
    ],
    ids=["nothing given", "wrong values", "wrong secrets"],
)
def test_missing_and_wrong_settings_are_named_all_at_once(
    tmp_path: Path, command: str, settings: dict[str, str], sentences: Sequence[str]
) -> None:
    ended = type_(command, folder=tmp_path, settings=settings)
    assert (ended.code, ended.out) == (2, "")
    lines = ended.err.splitlines()
    assert len(lines) == len(sentences), ended.err
    for line, sentence in zip(lines, sentences, strict=True):
        assert line.startswith(sentence)
    assert SECRET_KEY[:20] not in ended.err
    assert list(tmp_path.iterdir()) == []


async def test_a_database_that_was_never_migrated_is_refused(postgres_server: Server, processes: Processes) -> None:
    name = (await new_postgres_database(postgres_server)).rpartition("/")[2]
    # The form that hosting platforms give.
    settings = {"DATABASE_URL": postgres_server.dsn(name).replace("postgresql://", "postgres://")} | SIGNED | OUTBOX
    for command in ("web", "worker"):
        ended = await processes.command(command, settings=settings | {"PORT": str(free_port())})
        assert ended.code == 3
        assert re.fullmatch(r"aftercare: database: .*: run `aftercare migrate` \[schema-too-old\]\n", ended.err)
    migrated = await processes.command("migrate", settings=settings)
    assert (migrated.code, migrated.out) == (0, f"The schema is at revision {REVISION}.\n")


async def test_a_database_that_is_away_is_told_without_its_password(processes: Processes) -> None:
    settings = {"DATABASE_URL": f"postgresql://me:{PASSWORD}@127.0.0.1:{free_port()}/aftercare"} | SIGNED | OUTBOX
    ended = await processes.command("worker", settings=settings)
    assert ended.code == 75
    assert re.fullmatch(r"aftercare: the database .* \[unavailable\]\n", ended.err)


async def test_a_wrong_protocol_is_refused_with_its_file_and_place(processes: Processes) -> None:
    home = processes.folder / "home"
    protocols = home / "config" / "protocols"
    protocols.mkdir(parents=True)
    text = (CHECKOUT / "config" / "protocols" / "microneedling.toml").read_text()
    file = protocols / "microneedling.toml"
    file.write_text(text.replace('after = "2 days"', 'after = "2 muppets"'))
    ended = await processes.command("run", settings={"AFTERCARE_HOME": str(home)})
    assert ended.code == 2
    place = f'{file}: step 3 "day-2-sensitivity-check": after'
    assert ended.err.startswith(f'aftercare: {place}: "2 muppets" is no length of time; write a whole number and')
