"""A client's whole life in a house: told, texted, written to, answering, moving, stopping; and everything as text."""

from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlmodel import SQLModel

from service.channels.base import InboundText
from service.replies import Replies
from service.store.attempts import suppress
from service.store.tables import Attempt, KeptAnswer, ParkedReceipt, RefusedWords, Replan, core
from tests.dispatch.acting import TEN
from tests.intake.changes import booked, updated, voided
from tests.support.house import CLINIC, House, visit

FIRST_NAME, NOTE, REPLY = "Zenobia", "no saffron balm until Tuesday", "my cheek tingles like nettles"
PHONE, OLD_PHONE, EMAIL = "+447400123477", "+447400123466", "zenobia@people.example"
CANARIES = (FIRST_NAME, "saffron", "nettles", "7400123477", "7400123466", "zenobia")
"""What nobody else in these tests has."""
REF = "c-17"
SMS_SENDER = "+447400123400"


def told(**changes: Any) -> dict[str, Any]:
    """A visit of the client whom these tests are about."""
    about = {"treatment__note": NOTE, "client__first_name": FIRST_NAME, "client__phone": OLD_PHONE,
             "client__email": EMAIL}  # fmt: skip
    return visit(**{**about, **changes})


async def answers(house: House, text: str = REPLY, *, number: str = PHONE, sid: str = "SM1") -> None:
    heard = InboundText(sender=number, to=SMS_SENDER, messaging_service="", text=text, provider_id=sid, media=0,
                        handled_keyword="")  # fmt: skip
    await Replies(house.database).take(f"{CLINIC}.sms", heard)


async def live(house: House) -> None:
    """Rows about the client in every table that can hold any."""
    await house.take(told(), voided("e-void", "visit-0"), booked())
    house.clock.moment = TEN
    await house.dispatch()
    await house.take(updated(phone=PHONE, time="2026-11-21T09:30:00Z"))
    await house.take(told(id="e-2", treatment__id="visit-2", client__phone=PHONE, time="2026-11-21T09:40:00Z"))
    await house.take(voided("e-void-2", "visit-2", time="2026-11-21T09:50:00Z"))
    await answers(house)
    attempt = (await house.rows(Attempt))[0]
    async with house.database.write() as connection:
        now = house.clock()
        about = {"clinic": CLINIC, "wording": attempt.wording, "attempt": attempt.id, "at": now}
        await connection.execute(core(RefusedWords).insert().values(**about))
        parked = {"id": "p-1", "token": attempt.token, "provider_id": "SM9", "state": "sent", "parked_at": now}
        await connection.execute(core(ParkedReceipt).insert().values(**parked))
        await connection.execute(core(Replan).insert().values(clinic=CLINIC, client=REF, since=now))
        kept = {"clinic": CLINIC, "key": "ac_1", "idempotency_key": uuid4().hex, "request": "r", "status": 200,
                "body": f"{FIRST_NAME} {PHONE}".encode(), "begun_at": now}  # fmt: skip
        await connection.execute(core(KeptAnswer).insert().values(**kept))


async def stops_letters(house: House) -> None:
    async with house.database.write() as connection:
        await suppress(connection, CLINIC, "email", EMAIL, reason="stop", now=house.clock())


async def everything(house: House) -> str:
    """All that the database holds, as text."""
    found = []
    async with house.database.read() as connection:
        for table in SQLModel.metadata.sorted_tables:
            found += [str(dict(row._mapping)) for row in await connection.execute(sa.select(table))]
    return "\n".join(found)
