"""People who opted out somewhere else: their numbers and addresses are suppressed before anything is sent to them."""

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.clients import hold_recipients, remember_recipients
from service.store.dialect import among
from service.store.tables import Client, Recipient, core
from service.types import Medium

CLIENT, RECIPIENT = core(Client), core(Recipient)

_COLUMNS = {
    Medium.SMS: (CLIENT.c.phone, CLIENT.c.sms_stopped_at),
    Medium.EMAIL: (CLIENT.c.email, CLIENT.c.email_stopped_at),
}


async def opt_out(
    connection: AsyncConnection, clinic: str, medium: Medium, addresses: Collection[str], reason: str, now: datetime
) -> int:
    """Nothing more by this medium to these addresses, nor to the clients who have them; how many that is news for."""
    if not addresses:
        return 0
    held, stopped = _COLUMNS[medium]
    clients = (CLIENT.c.clinic == clinic, among(connection, (CLIENT.c.clinic, held), {(clinic, a) for a in addresses}))
    # Clients are locked before numbers, and in one order, by everybody.
    await connection.execute(sa.select(CLIENT.c.ref).where(*clients).order_by(CLIENT.c.ref).with_for_update())
    keys = [(clinic, medium.value, address) for address in sorted(addresses)]
    await remember_recipients(connection, keys, now)
    await hold_recipients(connection, keys)
    news = await connection.execute(
        RECIPIENT.update()
        .where(
            among(connection, (RECIPIENT.c.clinic, RECIPIENT.c.medium, RECIPIENT.c.address), keys),
            RECIPIENT.c.suppressed_at.is_(None),
        )
        .values(suppressed_at=now, suppressed_reason=reason)
    )
    await connection.execute(CLIENT.update().where(*clients, stopped.is_(None)).values({stopped.name: now}))
    return news.rowcount
