"""Writing down what a client chose: one transaction, in the same order of locks as events take theirs.

The client's row first, then those of the addresses where something is withdrawn: a start that holds one of them is
waited for, and one that comes later reads what was chosen. After the commit there is no new intent against it.
"""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from service.pages.choices import SILENCED, Changes, Preferences, addresses_of, preferences_of
from service.store import client_pages as store
from service.store.attempts import suppress
from service.store.clients import hold_recipients, record_choices
from service.store.clinics import House
from service.store.lanes import lower_next_due
from service.store.signals import notify


async def read_preferences(
    connection: AsyncConnection, house: House, client: Any, now: datetime, came_by: tuple[str, str]
) -> Preferences:
    """What holds for this client now; `came_by`: the medium and address of the message whose link was opened."""
    addresses = [(house.id, medium.value, address) for medium, address in addresses_of(client).items()]
    recipients = await store.recipients_of(connection, addresses)
    consents = await store.consents_of_client(connection, house.id, client.ref)
    by_owners = await store.withdrawn_by_owners(connection, house.id, client.ref)
    return preferences_of(client, recipients, consents, house, now, came_by, by_owners)


async def keep(
    connection: AsyncConnection, clinic: str, client: Any, changes: Changes, now: datetime, came_by: tuple[str, str]
) -> None:
    """Write the changes; `client` is the client's locked row, `came_by` as in `read_preferences`. Must be the
    transaction's last act: it lowers lanes."""
    withdrawn = {medium for (_, medium), granted in changes.consents.items() if not granted}
    held = addresses_of(client)
    own = {medium for medium, address in held.items() if (medium, address) == came_by}
    kept = await store.withdrawn_by_owners(connection, clinic, client.ref)
    await hold_recipients(connection, {(clinic, medium.value, held[medium]) for medium in withdrawn if medium in held})
    for medium in sorted(changes.silenced & held.keys()):
        if not await store.is_shared(connection, clinic, medium, held[medium]):  # others there choose for themselves
            await suppress(connection, clinic, medium.value, held[medium], reason=SILENCED, now=now)
    for way in changes.lifted:
        await store.lift_suppression(connection, clinic, way.medium.value, way.address)
    await record_choices(
        connection,
        [
            {"clinic": clinic, "client": client.ref, "medium": medium.value, "purpose": purpose.value,
             "granted": granted, "by_owner": not granted and ((purpose, medium) in kept or medium in own), "at": now}
            for (purpose, medium), granted in changes.consents.items()
        ],
    )  # fmt: skip
    await store.change_client(connection, clinic, client.ref, changes.client)
    if changes.wakes:
        woken = await store.wake_paused(connection, clinic, client.ref, now)
        await lower_next_due(connection, {(clinic, sender): now for sender in woken})
        await notify(connection, now)


async def silence(connection: AsyncConnection, message: Any, now: datetime) -> None:
    """Nothing more to where this message went: for links that came to what is not the client's address any longer.

    Whoever reads there may stop what comes there, and must not decide for the client.
    """
    await suppress(connection, message.clinic, message.medium, message.recipient, reason="unsubscribed", now=now)
