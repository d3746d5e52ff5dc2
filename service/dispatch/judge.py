"""What to do with a due reminder, pure: send it now, later, by another channel, or not, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeAlias

from service.consent import Reach, obstacle, other_media
from service.dispatch.caps import Counts
from service.intake.courses import quiet_hours
from service.pumping import may_text
from service.store.clinics import House
from service.store.due import Address
from service.timing import first_instant_outside
from service.types import MEDIA, PURPOSES, Medium, Purpose, Quiet
from service.values import value_type


@value_type
class Send:
    """Nothing stands in the way."""

    address: str


@dataclass(frozen=True, slots=True)
class Defer:
    """Not now: due again at `until`."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Reroute:
    """Not by this medium; the next of the step's channels is to be tried."""

    medium: Medium
    reason: str


@dataclass(frozen=True, slots=True)
class Skip:
    """Not at all: no channel may be used."""

    reason: str


@dataclass(frozen=True, slots=True)
class Expire:
    """Too late to be of use."""

    reason: str


Verdict: TypeAlias = Send | Defer | Reroute | Skip | Expire

_COLUMNS: Mapping[str, tuple[str, str]] = {
    Medium.SMS: ("phone", "sms_stopped_at"),
    Medium.EMAIL: ("email", "email_stopped_at"),
}
"""Where a client is reached by a medium, and when they stopped it."""


def verdict_on(
    due: Any,
    house: House,
    recipients: Mapping[Address, Any],
    consents: Mapping[tuple[str, str, str, str], bool],
    now: datetime,
) -> Verdict:
    """Decide about one due reminder of a clinic, by the medium whose turn it is.

    `due` has the columns of a due reminder (`store.due`); a preview's stand-in for it does as well. `recipients` are
    the rows of addresses, `consents` what clients said by (clinic, client, medium, purpose).
    """
    expires_at, paused_until = due.expires_at, due.paused_until
    if now >= expires_at:
        return Expire("expired")
    if paused_until is not None and now < paused_until:
        return Defer(paused_until, "client-paused") if paused_until < expires_at else Skip("client-paused")
    medium, purpose = MEDIA[due.medium], PURPOSES[due.purpose]
    reach = _reach(due, medium, purpose, house, recipients, consents)
    hindrance = obstacle(reach, purpose, care_assumed=house.care_consent == "assumed")
    if hindrance:
        later = [other for other in other_media(due.media, medium) if other in house.senders]
        return Reroute(later[0], hindrance) if later else Skip(hindrance)
    until = now if due.quiet == Quiet.IGNORE else _open_from(now, medium, due.zone, house)
    if until <= now:
        assert reach.address is not None  # noqa: S101 - `no-address` would have been an obstacle
        return Send(reach.address)
    return Defer(until, "quiet-hours") if until < expires_at else Expire("expires-in-quiet-hours")


def address_of(due: Any) -> Address | None:
    """Where the medium whose turn it is would reach the client, as a key of the recipients."""
    medium = due.medium
    address = getattr(due, _COLUMNS[medium][0])
    return (due.clinic, medium, address) if address else None


def _reach(
    due: Any,
    medium: Medium,
    purpose: Purpose,
    house: House,
    recipients: Mapping[Address, Any],
    consents: Mapping[tuple[str, str, str, str], bool],
) -> Reach:
    address_column, stop_column = _COLUMNS[medium]
    address = getattr(due, address_column)
    recipient = recipients.get((house.id, medium, address)) if address else None
    return Reach(
        has_sender=medium in house.senders,
        address=address,
        unusable=recipient is not None and recipient.unusable_at is not None,
        suppressed=recipient is not None and recipient.suppressed_at is not None,
        stopped=getattr(due, stop_column) is not None,
        granted=consents.get((house.id, due.client, medium, purpose)),
        abroad=medium is Medium.SMS and address is not None and not may_text(address, house.texts_to),
    )


@lru_cache(maxsize=1024)
def _open_from(now: datetime, medium: Medium, zone: str, house: House) -> datetime:
    """The first instant from now at which this medium may be used; now itself nearly always."""
    quiet = quiet_hours(house)
    return first_instant_outside(now, zone, quiet) if medium in quiet.media else now


def unless_capped(verdict: Verdict, due: Any, counts: Counts, now: datetime) -> Verdict:
    """What goes now is counted; what would be one too many for this client waits, or comes too late."""
    if not isinstance(verdict, Send):
        return verdict
    free_at, why = counts.count(due, now)
    if free_at <= now:
        return verdict
    return Defer(free_at, why) if free_at < due.expires_at else Expire(why)
