"""Many rows in one statement: the same on both databases, for every kind of value."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from service.store.bulk import insert_many, update_many, upsert_many
from service.store.dialect import among
from service.store.tables import Client, Consent, Event, Recipient, Sender, core
from service.types import Json
from tests.support.house import NOON, House, visit

CONSENT, CLIENT, RECIPIENT, EVENT, SENDER = core(Consent), core(Client), core(Recipient), core(Event), core(Sender)
ODD = [
    "Ada",
    "",
    "it's",
    'say "hi"',
    "back\\slash",
    "Inés 😀",
    "a,b",
    "{x}",
    "tab\tnew\nline",
    "%s :name $1 null",
    "\u2028",
]


def recipient(address: str, **changes: Any) -> Json:
    return {"clinic": "glow", "medium": "sms", "address": address, "created_at": NOON, "suppressed_reason": "",
            "unusable_reason": ""} | changes  # fmt: skip


async def all_of(connection: AsyncConnection, table: sa.Table) -> list[Any]:
    return list((await connection.execute(sa.select(table))).all())


async def test_any_text_comes_back_as_it_was(house: House) -> None:
    async with house.database.write() as connection:
        await insert_many(connection, RECIPIENT, [recipient(text) for text in ODD])
        assert {row.address for row in await all_of(connection, RECIPIENT)} == set(ODD)
        wanted = [("glow", "sms", text) for text in ODD[2:5]]
        columns = (RECIPIENT.c.clinic, RECIPIENT.c.medium, RECIPIENT.c.address)
        found = await connection.execute(sa.select(RECIPIENT.c.address).where(among(connection, columns, wanted)))
        assert {row.address for row in found} == set(ODD[2:5])


async def test_times_numbers_nulls_and_json_come_back_as_they_were(house: House) -> None:
    body = {"b": [1, 2.5, None, True, {"deep": "😀 \\ \" '"}], "a": {}, "big": 2**63 - 1, "small": -(2**63)}
    moment = datetime(2026, 11, 20, 15, 0, 0, 123_456, tzinfo=UTC)
    row = {"clinic": "glow", "source": "s", "id": "1", "type": "t", "time": moment, "received_at": moment,
           "digest": "d", "body": body, "treatment": "t-1", "client": "c-17", "state": "planned"}  # fmt: skip
    async with house.database.write() as connection:
        await insert_many(connection, EVENT, [row])
        (stored,) = await all_of(connection, EVENT)
        assert dict(stored._mapping) == row
        lane = {"clinic": "glow", "id": "sms", "tokens": 0.1 + 0.2, "next_due_at": None, "tokens_at": moment}
        await update_many(connection, SENDER, [lane], by=("clinic", "id"))
        (stored,) = [row for row in await all_of(connection, SENDER) if row.id == "sms"]
        assert (stored.tokens, stored.next_due_at, stored.tokens_at) == (0.1 + 0.2, None, moment)


async def test_a_row_whose_key_is_there_is_left_out_and_only_the_others_are_returned(house: House) -> None:
    async with house.database.write() as connection:
        first = await insert_many(connection, RECIPIENT, [recipient("1")], returning=("address",))
        again = [recipient("1", suppressed_reason="changed"), recipient("2"), recipient("2")]
        second = await insert_many(connection, RECIPIENT, again, returning=("address",))
        assert [row.address for row in first] == ["1"]
        assert [row.address for row in second] == ["2"]
        assert {row.suppressed_reason for row in await all_of(connection, RECIPIENT)} == {""}
        assert await insert_many(connection, RECIPIENT, [], returning=("address",)) == []


async def test_an_update_reaches_only_rows_that_match_and_still_are_as_expected(house: House) -> None:
    rows = [recipient("1"), recipient("2", suppressed_reason="stop"), recipient("3")]
    changed = [{"clinic": "glow", "address": name, "unusable_reason": f"new {name}"} for name in ("1", "2", "4")]
    async with house.database.write() as connection:
        await insert_many(connection, RECIPIENT, rows)
        await update_many(
            connection, RECIPIENT, changed, by=("clinic", "address"), while_={"suppressed_reason": ("", "other")}
        )
        found = {row.address: row.unusable_reason for row in await all_of(connection, RECIPIENT)}
    assert found == {"1": "new 1", "2": "", "3": ""}


async def test_the_newest_word_wins_whatever_the_order(house: House) -> None:
    await house.take(visit(client__consent={}))

    def word(granted: bool, hours: int) -> Json:
        return {"clinic": "glow", "client": "c-17", "medium": "sms", "purpose": "care", "granted": granted,
                "source": str(hours), "at": NOON + timedelta(hours=hours)}  # fmt: skip

    async with house.database.write() as connection:
        for hours, granted in ((2, False), (1, True), (2, True), (3, False), (0, True)):
            await upsert_many(connection, CONSENT, [word(granted, hours)], newest="at")
        (row,) = await all_of(connection, CONSENT)
    assert (row.granted, row.source) == (False, "3")


async def test_keys_may_hold_anything_that_sql_could_trip_over(house: House) -> None:
    hostile = "x'); DROP TABLE client; --"
    await house.take(visit(id=hostile, treatment__id=hostile, client__ref=hostile, treatment__area=":area $1 %s"))
    (again,) = await house.take(visit(id=hostile, treatment__id=hostile, client__ref=hostile,
                                      treatment__area=":area $1 %s"))  # fmt: skip
    assert not again.created
    assert again.plan


async def test_ids_made_by_the_driver_match_those_of_the_standard_library(house: House) -> None:
    ours = [uuid7() for _ in range(3)]
    async with house.database.read() as connection:
        column = sa.literal(ours[0], sa.Uuid()).label("id")
        assert isinstance((await connection.execute(sa.select(column))).scalar(), UUID)


async def test_what_all_rows_share_is_given_once(house: House) -> None:
    moment = datetime(2026, 11, 20, 15, tzinfo=UTC)
    rows = [{"clinic": "glow", "medium": "sms", "address": address} for address in ("+441", "+442")]
    shared = {"created_at": moment, "suppressed_reason": "", "unusable_reason": "it's gone", "unusable_at": None}
    key = ("clinic", "medium", "address")
    async with house.database.write() as connection:
        await insert_many(connection, RECIPIENT, rows, same=shared)
        await update_many(
            connection, RECIPIENT, rows[:1], by=key, same={"suppressed_at": moment, "unusable_reason": ""}
        )
        first, second = sorted(await all_of(connection, RECIPIENT), key=lambda row: row.address)
    assert (first.created_at, first.suppressed_at, first.unusable_reason) == (moment, moment, "")
    assert (second.created_at, second.suppressed_at, second.unusable_reason) == (moment, None, "it's gone")
