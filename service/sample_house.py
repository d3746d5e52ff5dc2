"""Opens the sample clinic once: stores it, gives it a key, and reports its treatments through the real intake."""

from datetime import timedelta

from service.clinics import add_clinic
from service.events import event_from
from service.intake.group import Intake
from service.sample import CLINIC, sample_clinic, sample_events
from service.store.clinics import clinic_exists
from service.store.keys import issue_key
from service.store.session import Database


async def open_sample(database: Database, intake: Intake) -> str | None:
    """Returns the clinic's API key; None where the sample was opened by an earlier run."""
    async with database.write() as connection:
        if await clinic_exists(connection, CLINIC):
            return None
        now = await database.now(connection)
        await add_clinic(connection, sample_clinic(), now)
        key = await issue_key(connection, CLINIC, now)
    events = [event_from(value, received_at=now, future_tolerance=timedelta(hours=24)) for value in sample_events(now)]
    await intake.take_all(CLINIC, events)
    return key
