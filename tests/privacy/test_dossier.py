"""The export of a person: complete by the schema itself, readable, and of nobody else."""

from typing import Any

import orjson
import sqlalchemy as sa
from sqlmodel import SQLModel

from service.privacy import dossier
from service.store.dossier import NOT_PERSONAL, rows_about
from service.types import Json
from service.words import Words
from tests.dispatch.acting import on_sqlite
from tests.intake.changes import voided
from tests.privacy.lives import EMAIL, FIRST_NAME, NOTE, OLD_PHONE, PHONE, REF, REPLY, answers, live, told
from tests.support.house import CLINIC, House, shipped, visit

PERSONAL_COLUMNS = {"client", "recipient", "phone", "email", "address", "first_name", "text", "note", "reminder",
                    "attempt", "treatment", "body", "token", "pinned"}  # fmt: skip
NO_PERSONS = {"template_version", "template_hold", "poll"}
"""Notes and tokens of other things: authors' notes, and how far asking got."""


async def exported(house: House, ref: str = REF) -> Json | None:
    content = shipped()
    show = Words(content.templates, content.protocols).show
    async with house.database.read() as connection:
        found = await dossier(connection, CLINIC, ref, show, house.clock())
    return None if found is None else orjson.loads(orjson.dumps(found))


def tables_of_people() -> set[str]:
    return {
        table.name
        for table in SQLModel.metadata.sorted_tables
        if PERSONAL_COLUMNS & {column.name for column in table.columns}
    } | {"client"}


@on_sqlite
async def test_every_table_that_names_a_client_is_in_the_export(house: House) -> None:
    await live(house)
    async with house.database.read() as connection:
        rows = await rows_about(connection, CLINIC, REF)
    missing = tables_of_people() - set(rows) - set(NOT_PERSONAL) - NO_PERSONS
    assert missing == set(), "list the table in store/dossier.py, and its rows in privacy/dossier.py"
    assert [name for name, found in rows.items() if not found and name != "audit"] == [], "the life must fill them all"


async def test_the_export_tells_all_and_with_the_words_of_each_message(house: House) -> None:
    await live(house)
    found = await exported(house)
    assert found is not None
    text = str(found)
    for canary in (FIRST_NAME, NOTE, PHONE, OLD_PHONE, EMAIL, REPLY):
        assert canary in text
    (sent,) = [one for visit in found["treatments"] for line in visit["messages"] for one in line["tries"]]
    assert sent["message"]["text"].startswith("Glow Clinic")
    assert sent["recipient"] == OLD_PHONE
    assert {one["purpose"] for one in found["consents"]} == {"care", "rebook"}
    assert {one["type"] for one in found["events"]} == {
        "treatment.completed", "treatment.voided", "client.updated", "appointment.booked"}  # fmt: skip
    assert found["told_to_staff"]
    assert await token_of_any(house) not in text, "a token opens the client's own pages"


@on_sqlite
async def test_what_names_nobody_is_in_it_where_it_can_be_nobody_elses(house: House) -> None:
    """A void that came before its treatment, and a text from a number before a client had it."""
    await house.take(voided("e-first"))
    await answers(house, "is this the clinic?", number=OLD_PHONE)
    await house.take(told())
    found = str(await exported(house))
    assert "is this the clinic?" in found
    assert "e-first" in found


async def token_of_any(house: House) -> Any:
    async with house.database.read() as connection:
        return await connection.scalar(sa.text("SELECT token FROM attempt LIMIT 1"))


@on_sqlite
async def test_it_tells_of_nobody_else_and_of_nobody_who_is_not_there(house: House) -> None:
    await live(house)
    other = {"client__ref": "c-2", "client__first_name": "Grace", "client__phone": PHONE, "client__email": None}
    await house.take(visit(id="e-9", treatment__id="visit-9", treatment__note="hers alone", **other))
    assert "Grace" not in str(await exported(house))
    assert FIRST_NAME not in str(await exported(house, "c-2"))
    assert REPLY not in str(await exported(house, "c-2")), "it was written before she had this number"
    assert await exported(house, "c-3") is None
