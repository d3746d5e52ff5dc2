"""What to do with a due reminder, pure: send it now, later, by another channel, or not, and why."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from service.consent import Reach, obstacle, other_media
from service.timing import QuietHours, first_instant_outside
from service.types import Medium, Purpose, Quiet


@dataclass(frozen=True, slots=True)
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


def judge(
    due: Any, reach: Reach, quiet: QuietHours, senders: Collection[Medium], *, care_assumed: bool, now: datetime
) -> Verdict:
    """Decide about one due reminder by the medium whose turn it is.

    `due` has the columns of a due reminder (`store.due`); `quiet` are its clinic's quiet hours, `senders` the media
    that the clinic has a sender for.
    """
    if now >= due.expires_at:
        return Expire("expired")
    medium = Medium(due.medium)
    hindrance = obstacle(reach, Purpose(due.purpose), care_assumed=care_assumed)
    if hindrance:
        later = [other for other in other_media(due.media, medium) if other in senders]
        return Reroute(later[0], hindrance) if later else Skip(hindrance)
    until = _quiet_until(due, medium, quiet, now)
    if until <= now:
        assert reach.address is not None  # noqa: S101 - `no-address` would have been an obstacle
        return Send(reach.address)
    return Defer(until, "quiet-hours") if until < due.expires_at else Expire("expires-in-quiet-hours")


def _quiet_until(due: Any, medium: Medium, quiet: QuietHours, now: datetime) -> datetime:
    """The first instant from now at which this medium may be used; now itself nearly always."""
    if medium not in quiet.media or due.quiet == Quiet.IGNORE:
        return now
    return first_instant_outside(now, due.zone, quiet)
