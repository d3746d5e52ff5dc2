"""`aftercare key`: made, shown once, rotated with a grace, ended."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from service.audit import Deed
from service.cli.main import app
from service.errors import AftercareError, Conflict
from service.store.keys import digest_of, issue_key, key_by_digest, note_use, rotate_key
from service.store.session import Database
from service.store.tables import ApiKey, Audit
from tests.dispatch.acting import on_sqlite
from tests.imports.importing import url_of
from tests.support.house import NOON, House

DAY = timedelta(days=1)
ISSUED, ENDED = Deed.KEY_ISSUED, Deed.KEY_ENDED


async def told(house: House, *arguments: str, whose: tuple[str, ...] = ("--clinic", "glow")) -> str:
    """Run the command; it has a loop of its own, so a thread of its own too. What it refuses is raised."""
    words = ["key", *arguments, *whose]
    result = await asyncio.to_thread(lambda: CliRunner().invoke(app, words, env={"DATABASE_URL": url_of(house)}))
    if result.exception is not None:
        raise result.exception
    return result.stdout.strip()


async def works(database: Database, key: str, at: Any = NOON) -> bool:
    async with database.read() as connection:
        return await key_by_digest(connection, digest_of(key), at) is not None


@on_sqlite
async def test_a_key_is_rotated_expires_and_is_revoked(house: House) -> None:
    old = await told(house, "add", "--scope", "events:write", "--scope", "clients:write", "--expires", "90 days")
    prefix = old.split("_")[1]
    new = json.loads(await told(house, "rotate", prefix, "--grace", "2 hours", "--json"))["key"]
    rows = {row["prefix"]: row for row in json.loads(await told(house, "list", "--json"))}
    assert {row["scopes"] for row in rows.values()} == {"events:write clients:write"}
    assert rows[prefix]["expires_at"] is not None
    assert rows[new.split("_")[1]]["expires_at"] is not None, "one that is to end is not made to last for ever"
    assert old not in await told(house, "list")
    assert "ends in 1 hour" in await told(house, "expire", new.split("_")[1], "--in", "1 hour")
    assert (await told(house, "revoke", prefix)).startswith("Revoked")
    (row,) = [row for row in await house.rows(ApiKey) if row.prefix == prefix]
    assert row.revoked_at is not None
    first, second = f"ac_{prefix}", f"ac_{new.split('_')[1]}"
    lines = [(line.act, line.about) for line in await house.rows(Audit)]
    assert sorted(lines[:1] + lines[3:]) == sorted([(ISSUED, first), (ENDED, second), (ENDED, first)])
    assert set(lines[1:3]) == {(ISSUED, second), (ENDED, first)}


@on_sqlite
async def test_a_key_of_the_platform_lives_and_ends_as_any_other_and_is_in_no_clinics_log(house: House) -> None:
    ours = ("--platform",)
    key = await told(house, "add", "--expires", "90 days", whose=ours)
    assert key.startswith("acp_")
    assert not await works(house.database, key), "it is no key of a clinic"
    prefix = key.split("_")[1]
    async with house.database.read() as connection:
        row = await key_by_digest(connection, digest_of(key), NOON, platform=True)
    assert (row.prefix, row.scopes) == (prefix, "platform")
    new = json.loads(await told(house, "rotate", prefix, "--grace", "2 hours", "--json", whose=ours))["key"]
    assert f"acp_{new.split('_')[1]}_... ends in 1 hour" in await told(
        house, "expire", new.split("_")[1], "--in", "1 hour", whose=ours
    )
    assert (await told(house, "revoke", prefix, whose=ours)).startswith(f"Revoked acp_{prefix}")
    rows = {one["prefix"]: one for one in json.loads(await told(house, "list", "--json", whose=ours))}
    assert (len(rows), rows[prefix]["revoked_at"] is None) == (2, False)
    assert json.loads(await told(house, "list", "--json")) == []
    assert await house.rows(Audit) == []
    for words, whose, code in ((["add", "--scope", "operator"], ours, "unknown-scope"),
                               (["revoke", "deadbeef"], ours, "unknown-key"), (["list"], (), "no-clinic"),
                               (["list"], ("--clinic", "nowhere"), "unknown-clinic")):  # fmt: skip
        with pytest.raises(AftercareError) as caught:
            await told(house, *words, whose=whose)
        assert caught.value.code == code, words


REFUSED = [
    (["rotate", "deadbeef"], "unknown-key"),
    (["expire", "deadbeef", "--in", "1 day"], "unknown-key"),
    (["revoke", "deadbeef"], "unknown-key"),
    (["rotate", "deadbeef", "--grace", "soon"], "invalid-length"),
    (["add", "--expires", "-1 days"], "invalid-length"),
    (["add", "--scope", "everything"], "unknown-scope"),
]


@on_sqlite
async def test_what_cannot_be_done_is_refused_by_its_code(house: House) -> None:
    for arguments, code in REFUSED:
        with pytest.raises(AftercareError) as caught:
            await told(house, *arguments)
        assert caught.value.code == code, arguments


async def test_a_key_is_rotated_once(house: House) -> None:
    async with house.database.write() as connection:
        first = (await issue_key(connection, "glow", NOON)).split("_")[1]
        second = await rotate_key(connection, "glow", first, NOON, 7 * DAY)
        assert second is not None
        with pytest.raises(Conflict) as refused:
            await rotate_key(connection, "glow", first, NOON + DAY, 7 * DAY)
        assert refused.value.problems[0].code == "key-rotated"
        assert second.split("_")[1] in refused.value.problems[0].message
        assert await rotate_key(connection, "glow", second.split("_")[1], NOON + DAY, 7 * DAY)


async def test_a_rotated_key_works_until_its_grace_is_over_and_never_longer_than_before(house: House) -> None:
    async with house.database.write() as connection:
        lasting = await issue_key(connection, "glow", NOON)
        short = await issue_key(connection, "glow", NOON, expires_at=NOON + DAY)
        new = await rotate_key(connection, "glow", lasting.split("_")[1], NOON, 7 * DAY)
        assert new
        brief = await rotate_key(connection, "glow", short.split("_")[1], NOON + DAY / 2, 7 * DAY)
        assert brief
        assert await rotate_key(connection, "dusk", lasting.split("_")[1], NOON, DAY) is None
    for key, days, expected in ((lasting, 6, True), (lasting, 7, False), (short, 0, True), (short, 1, False),
                                (new, 400, True), (brief, 1.4, True), (brief, 1.5, False)):  # fmt: skip
        assert await works(house.database, key, NOON + days * DAY) is expected


async def test_the_last_use_is_written_at_most_once_a_minute(house: House) -> None:
    async with house.database.write() as connection:
        prefix = (await issue_key(connection, "glow", NOON)).split("_")[1]
        seen = []
        for seconds in (0, 59, 60):
            await note_use(connection, "glow", prefix, NOON + timedelta(seconds=seconds))
            seen.append((await connection.execute(ApiKey.__table__.select())).one().last_used_at)  # type: ignore[attr-defined]
    assert seen == [NOON, NOON, NOON + timedelta(seconds=60)]
