"""What to do with a due reminder, pure: send it now, later, by another channel, or not, and why."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from service.consent import Reach, obstacle, other_media
from service.dispatch.caps import CAPPED, Counts
from service.intake.courses import quiet_hours
from service.pumping import FLOODED, may_text
from service.store.clinics import House
from service.store.due import Address
from service.timing import QuietHours, first_instant_outside
from service.types import MEDIA, PURPOSES, Medium, Quiet
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

_PHONE_AND_STOP: Mapping[str, tuple[str, str]] = {
    Medium.SMS: ("phone", "sms_stopped_at"),
    Medium.EMAIL: ("email", "email_stopped_at"),
}


def verdict_on(
    due: Any,
    house: House,
    recipients: Mapping[Address, Any],
    consents: Mapping[tuple[str, str, str, str], bool],
    now: datetime,
) -> Verdict:
    """Decide about one due reminder by what is stored: its clinic, the recipients' rows, the clients' consents.

    `due` has the columns of a due reminder (`store.due`); a preview's stand-in for it does as well.
    """
    address = address_of(due)
    reach = _reach(due, house, recipients.get(address) if address else None, consents)
    assumed = house.care_consent == "assumed"
    return judge(due, reach, quiet_hours(house), house.senders, care_assumed=assumed, now=now)


def address_of(due: Any) -> Address | None:
    """Where the medium whose turn it is would reach the client, as a key of the recipients."""
    value = getattr(due, _PHONE_AND_STOP[due.medium][0])
    return (due.clinic, due.medium, value) if value else None


def _reach(due: Any, house: House, recipient: Any, consents: Mapping[tuple[str, str, str, str], bool]) -> Reach:
    column, stop = _PHONE_AND_STOP[due.medium]
    return Reach(
        has_sender=due.medium in house.senders,
        address=getattr(due, column),
        unusable=recipient is not None and recipient.unusable_at is not None,
        suppressed=recipient is not None and recipient.suppressed_at is not None,
        stopped=getattr(due, stop) is not None,
        granted=consents.get((due.clinic, due.client, due.medium, due.purpose)),
        abroad=due.medium == Medium.SMS and due.phone is not None and not may_text(due.phone, house.texts_to),
    )


def judge(
    due: Any, reach: Reach, quiet: QuietHours, senders: Collection[Medium], *, care_assumed: bool, now: datetime
) -> Verdict:
    """Decide about one due reminder by the medium whose turn it is.

    `due` has the columns of a due reminder (`store.due`); `quiet` are its clinic's quiet hours, `senders` the media
    that the clinic has a sender for.
    """
    if now >= due.expires_at:
        return Expire("expired")
    if due.paused_until is not None and now < due.paused_until:
        in_time = due.paused_until < due.expires_at
        return Defer(due.paused_until, "client-paused") if in_time else Skip("client-paused")
    medium = MEDIA[due.medium]
    hindrance = obstacle(reach, PURPOSES[due.purpose], care_assumed=care_assumed)
    if hindrance:
        later = [other for other in other_media(due.media, medium) if other in senders]
        return Reroute(later[0], hindrance) if later else Skip(hindrance)
    until = _quiet_until(due, medium, quiet, now)
    if until <= now:
        assert reach.address is not None  # noqa: S101 - `no-address` would have been an obstacle
        return Send(reach.address)
    return Defer(until, "quiet-hours") if until < due.expires_at else Expire("expires-in-quiet-hours")


def unless_capped(verdict: Verdict, due: Any, counts: Counts, now: datetime) -> Verdict:
    """What goes now is counted; what would be one too many for this client waits, or comes too late."""
    if not isinstance(verdict, Send):
        return verdict
    free_at, why = max((counts.free_at(due, now), CAPPED), (counts.number_free_at(due, now), FLOODED))
    if free_at > now:
        return Defer(free_at, why) if free_at < due.expires_at else Expire(why)
    counts.add(due, now)
    return verdict


def _quiet_until(due: Any, medium: Medium, quiet: QuietHours, now: datetime) -> datetime:
    """The first instant from now at which this medium may be used; now itself nearly always."""
    if medium not in quiet.media or due.quiet == Quiet.IGNORE:
        return now
    return first_instant_outside(now, due.zone, quiet)
