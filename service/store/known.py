"""Everything stored about some clients, read without locks: what looking ahead starts from.

Previews and rehearsals read through here. Whoever is going to write reads under its own locks instead.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.appointments import APPOINTMENT, SERVICE_CODE, VOID
from service.store.clients import CLIENT, CONSENT, RECIPIENT
from service.store.clinics import CLINIC, LOCATION, SENDER
from service.store.dialect import among
from service.store.reminders import REMINDER
from service.store.treatments import COURSE, EVENT, TREATMENT

Rows = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Known:
    """Rows about some clients of one clinic; all empty where nothing is stored."""

    clients: Rows = ()
    consents: Rows = ()
    recipients: Rows = ()
    courses: Rows = ()
    treatments: Rows = ()
    reminders: Rows = ()
    events: Rows = ()
    voids: Rows = ()
    appointments: Rows = ()
    codes: Rows = ()
    """All of the clinic's own codes of services."""

    def tables(self) -> Iterator[tuple[sa.Table, Rows]]:
        """Each table with its rows; a table that others refer to comes before them."""
        yield CLIENT, self.clients
        yield CONSENT, self.consents
        yield RECIPIENT, self.recipients
        yield COURSE, self.courses
        yield TREATMENT, self.treatments
        yield REMINDER, self.reminders
        yield EVENT, self.events
        yield VOID, self.voids
        yield APPOINTMENT, self.appointments
        yield SERVICE_CODE, self.codes


async def known_of(
    connection: AsyncConnection,
    clinic: str,
    *,
    clients: Collection[str],
    treatments: Collection[str],
    appointments: Collection[str],
    events: Collection[tuple[str, str]],
    addresses: Collection[tuple[str, str]],
) -> Known:
    """What is stored about these clients and the owners of these treatments and appointments, about these events by
    (source, id), and about these addresses by (medium, address) beside the clients' own."""

    async def of(table: sa.Table, *where: sa.ColumnElement[bool]) -> Rows:
        return (await connection.execute(sa.select(table).where(table.c.clinic == clinic, *where))).all()

    mentioned = await of(TREATMENT, TREATMENT.c.id.in_(sorted(set(treatments))))
    booked = await of(APPOINTMENT, APPOINTMENT.c.id.in_(sorted(set(appointments))))
    refs = sorted({*clients, *(row.client for row in (*mentioned, *booked) if row.client)})
    people = await of(CLIENT, CLIENT.c.ref.in_(refs))
    own = [(medium, value) for row in people for medium, value in (("sms", row.phone), ("email", row.email)) if value]
    return Known(
        clients=people,
        consents=await of(CONSENT, CONSENT.c.client.in_(refs)),
        recipients=await of(
            RECIPIENT, among(connection, (RECIPIENT.c.medium, RECIPIENT.c.address), [*own, *addresses])
        ),
        courses=await of(COURSE, COURSE.c.client.in_(refs)),
        treatments=await of(TREATMENT, TREATMENT.c.client.in_(refs)),
        voids=await of(VOID, VOID.c.treatment.in_(sorted(set(treatments)))),
        appointments=await of(
            APPOINTMENT, sa.or_(APPOINTMENT.c.client.in_(refs), APPOINTMENT.c.id.in_(sorted(set(appointments))))
        ),
        codes=await of(SERVICE_CODE),
        reminders=await of(REMINDER, REMINDER.c.client.in_(refs)),
        events=await of(EVENT, among(connection, (EVENT.c.source, EVENT.c.id), events)),
    )


async def clinic_rows(connection: AsyncConnection, clinic: str) -> list[tuple[sa.Table, Rows]]:
    """The clinic itself, its locations and its senders, as rows by table."""
    return [
        (table, (await connection.execute(sa.select(table).where(column == clinic))).all())
        for table, column in ((CLINIC, CLINIC.c.id), (LOCATION, LOCATION.c.clinic), (SENDER, SENDER.c.clinic))
    ]
