"""What tests of events say: voids, bookings, updates; and what they read of answers and rows."""

from datetime import datetime
from typing import Any

from service.intake.answer import Taken
from service.store.tables import Reminder, core
from service.types import Json
from tests.support.house import House, said

ADA: Json = {"ref": "c-17"}
APPOINTMENT = "2027-01-15T15:00:00Z"
"""After the window of the documentation's visit, so that it holds every nudge."""


def voided(id_: str = "e-void", treatment: str = "visit-8812", *, time: str = "2026-11-20T15:08:00Z",
           version: int | None = None, **data: Any) -> Json:  # fmt: skip
    return said("treatment.voided", id=id_, time=time, treatment={"id": treatment, "version": version}, **data)


def booked(id_: str = "e-booked", *, time: str = "2026-11-20T15:06:00Z", starts_at: str = APPOINTMENT,
           appointment: str = "appt-1", client: Json = ADA, **about: Any) -> Json:  # fmt: skip
    course = about.pop("course", {})
    about = {"protocol": "microneedling"} | about
    told = {"id": appointment, "starts_at": starts_at, **about}
    return said("appointment.booked", id=id_, time=time, appointment=told, course=course, client=client)


def cancelled(id_: str = "e-cancelled", *, time: str = "2026-11-20T15:07:00Z", appointment: str = "appt-1",
              version: int | None = None) -> Json:  # fmt: skip
    return said("appointment.cancelled", id=id_, time=time, appointment={"id": appointment, "version": version})


def updated(id_: str = "e-updated", *, time: str = "2026-11-20T15:06:00Z", **client: Any) -> Json:
    return said("client.updated", id=id_, time=time, client=ADA | client)


def agreed(id_: str = "e-consent", *, time: str = "2026-11-20T15:06:00Z", **consent: list[str]) -> Json:
    return said("consent.changed", id=id_, time=time, client=ADA | {"consent": consent})


def erased(id_: str = "e-erased", *, time: str = "2026-11-20T15:09:00Z", client: Json = ADA) -> Json:
    return said("client.erased", id=id_, time=time, client=client)


def told(taken: Taken) -> set[tuple[str, str, str]]:
    """An answer's changes: what, which step, why."""
    return {(change.effect.value, change.step, change.reason) for change in taken.changes}


async def coming(house: House, client: str = "c-17") -> dict[tuple[str, str, int], datetime]:
    """When what is scheduled for a client falls due."""
    table = core(Reminder)
    rows = await house.rows(Reminder, table.c.client == client, table.c.state == "scheduled")
    return {(row.treatment, row.step, row.occurrence): row.due_at for row in rows}
