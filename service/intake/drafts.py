"""What planning changes, gathered for all courses of a group of events, saved in a few statements, and told."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from service.intake.answer import Change, change_detail
from service.intake.answer import Effect as To
from service.intake.effects import Effects
from service.intake.entry import Entry, Named
from service.intake.ramp import RAMPED, Ramp
from service.plan import Changes, Planned, SkipReason
from service.store.attempts import stay_sent
from service.store.clinics import House
from service.store.reminders import advise_under_way, insert_reminders, record_decisions, replan_reminders
from service.store.treatments import EventKey
from service.types import Json, Purpose, ReminderState

Cause: TypeAlias = Callable[[str, str, str], Entry | None]
"""The event that a change of this (clinic, treatment, client)'s reminders comes from."""

_MOVED_BY = {
    "appointment.booked": "booked",
    "appointment.cancelled": "booking-cancelled",
    "client.updated": "client-changed",
}
_CORRECTED_LATE = "corrected-late"


class Drafts:
    """The rows to write, and the changes to tell, by event."""

    def __init__(
        self, effects: Effects, cause: Cause, corrected: set[Named], now: datetime, ramp: Ramp | None = None
    ) -> None:
        """`corrected` are the treatments of which is told, too, what had gone out before; `ramp` spreads what is new
        and due."""
        self.now = now
        self.plans: dict[Named, list[Any]] = {}
        """Every reminder that there is now, by (clinic, treatment)."""
        self.changes: dict[EventKey, list[Change]] = {}
        self._effects = effects
        self._cause = cause
        self._corrected = corrected
        self._ramp = ramp
        self._inserts: list[Json] = []
        self._updates: list[Json] = []
        self._advice: list[Json] = []
        self._decisions: list[Json] = []
        self._begun: list[tuple[str, UUID]] = []
        """Cancelled ones that have been tried: one of their channels may have taken them."""

    def apply(
        self,
        changes: Changes,
        existing: dict[Any, Json],
        treatments: Mapping[str, Any],
        client: Mapping[str, Any],
        house: House,
    ) -> None:
        self._count(changes, existing)
        for planned in changes.insert:
            row = self._row(planned, treatments[planned.treatment], client, house)
            row = self._on_its_day(row)
            self._inserts.append(row)
            existing[row["id"]] = row
        for id_, planned in changes.reschedule:
            self._reschedule(existing, id_, self._times(planned, treatments[planned.treatment], client, house))
        for id_, reason in changes.cancel:
            self._cancel(existing, id_, reason)
        for id_, reason in changes.call_off:
            self._advise(existing[id_], {"called_off": reason.value})
            self._tell(existing[id_], To.STOPPING, reason.value, state=existing[id_]["state"])
        for id_, planned in changes.amend:
            self._advise(existing[id_], {"called_off": "", **_meant(planned)})
        for id_, unwanted in changes.kept:
            row = existing[id_]
            if (house.id, row["treatment"]) in self._corrected:
                self._tell(row, To.KEPT, unwanted.value if unwanted else _CORRECTED_LATE, state=row["state"])
        for row in existing.values():
            self.plans.setdefault((house.id, row["treatment"]), []).append(row)

    def _on_its_day(self, row: Json) -> Json:
        if self._ramp is None:
            return row
        placed = self._ramp.place(row, self.now, self._effects.ramped)
        self._effects.ramped += placed["reason"] == RAMPED and placed["purpose"] != Purpose.CARE
        return placed

    async def save(self, connection: AsyncConnection) -> None:
        await insert_reminders(connection, self._inserts)
        await replan_reminders(connection, self._updates)
        await stay_sent(connection, self._begun)
        for columns in {tuple(row) for row in self._advice}:
            await advise_under_way(connection, [row for row in self._advice if tuple(row) == columns])
        await record_decisions(connection, self._decisions)
        for plan in self.plans.values():
            plan.sort(key=lambda row: (row["intended_at"], row["step"], row["occurrence"]))

    def _count(self, changes: Changes, existing: Mapping[Any, Json]) -> None:
        new = [planned.skip for planned in changes.insert]
        again = [id_ for id_, _ in changes.reschedule if existing[id_]["state"] != ReminderState.SCHEDULED]
        self._effects.planned += new.count(None) + len(again) - len(changes.cancel)
        self._effects.past += new.count(SkipReason.PAST)

    def _reschedule(self, existing: dict[Any, Json], id_: Any, times: Json) -> None:
        before = existing[id_]
        existing[id_] = before | times | {"called_off": ""}
        self._updates.append(existing[id_])
        effect = To.MOVED if before["state"] == ReminderState.SCHEDULED else To.PLANNED
        was = before["due_at"] if effect is To.MOVED else None
        self._tell(existing[id_], effect, "", was_due_at=was, due_at=times["due_at"])

    def _cancel(self, existing: dict[Any, Json], id_: Any, reason: SkipReason) -> None:
        before = existing[id_]
        cancelled = {"state": ReminderState.CANCELLED.value, "reason": reason.value, "by": "plan", "called_off": ""}
        existing[id_] = before | cancelled | {"updated_at": self.now}
        self._updates.append(existing[id_])
        if before["fence"]:
            self._begun.append((before["clinic"], id_))
        # A start may have taken it up since it was read: then this is what it finds when it wants to try again.
        self._advise(before, {"called_off": reason.value})
        self._tell(existing[id_], To.CANCELLED, reason.value, was_due_at=before["due_at"])

    def _advise(self, row: Json, columns: Json) -> None:
        self._advice.append({"clinic": row["clinic"], "id": row["id"], **columns})

    def _tell(self, row: Json, effect: To, reason: str, **more: Any) -> None:
        """Without a reason of the plan's, the type of the event says why."""
        entry = self._cause(row["clinic"], row["treatment"], row["client"])
        change = Change(
            reminder=row["id"],
            treatment=row["treatment"],
            client=row["client"],
            step=row["step"],
            occurrence=row["occurrence"],
            effect=effect,
            reason=reason or _MOVED_BY.get(entry.event.type if entry else "", "replanned"),
            **more,
        )
        if entry:
            self.changes.setdefault(entry.key, []).append(change)
        self._decisions.append(
            {"clinic": row["clinic"], "id": uuid7(), "reminder": row["id"], "at": self.now, "code": change.reason,
             "by": "plan", "detail": change_detail(change), "event": entry.name if entry else None}
        )  # fmt: skip

    def _row(self, planned: Planned, treatment: Any, client: Mapping[str, Any], house: House) -> Json:
        return {
            "clinic": house.id,
            "id": uuid7(),
            "treatment": planned.treatment,
            "step": planned.step,
            "occurrence": planned.occurrence,
            "tries": 0,
            "fence": 0,
            "lease_until": None,
            **self._times(planned, treatment, client, house),
        }

    def _times(self, planned: Planned, treatment: Any, client: Mapping[str, Any], house: House) -> Json:
        row = planned_row(planned, client, house)
        if planned.skip is None and row["sender"] is not None:
            self._effects.schedule((house.id, row["sender"]), planned.due_at)
        return row | {"protocol": treatment.protocol, "updated_at": self.now}


def planned_row(planned: Planned, client: Mapping[str, Any], house: House) -> Json:
    """Everything of a reminder that planning decides, and may decide again, as columns."""
    sender = house.senders.get(planned.medium)
    return {
        "client": client["ref"],
        "purpose": planned.purpose.value,
        "topic": planned.topic or "",
        "media": ",".join(planned.channels),
        "medium": planned.medium.value,
        "sender": sender.sender if sender else None,
        "send_mode": planned.send.value,
        "quiet": planned.quiet.value,
        "if_unknown": planned.if_unknown.value,
        "asks": planned.asks.model_dump(mode="json") if planned.asks else None,
        "due_at": planned.due_at,
        **_meant(planned),
        "state": (ReminderState.SKIPPED if planned.skip else ReminderState.SCHEDULED).value,
        "reason": planned.skip.value if planned.skip else "",
        "by": "plan",
    }


def _meant(planned: Planned) -> Json:
    """What a reminder is meant for, whenever it is sent."""
    return {
        "intended_at": planned.intended_at,
        "expires_at": planned.expires_at,
        "zone": planned.zone,
        "local_time": planned.local,
    }
