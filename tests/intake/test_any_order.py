"""Any order of arrival before the first send ends in the same plans, clients and consents."""

from collections.abc import Iterator
from copy import deepcopy
from itertools import count
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.store.tables import Client, Consent, Reminder, Treatment, core
from service.types import Json
from tests.dispatch.acting import on_sqlite
from tests.intake.changes import agreed, booked, cancelled, updated, voided
from tests.support.house import House, visit

EVENTS: list[Json] = [
    visit(id="face-1", treatment__id="face-1", treatment__area="face", treatment__version=1, course__session=1,
          treatment__ended_at="2026-10-30T15:00:00Z", time="2026-10-30T15:01:00Z"),
    visit(id="face-1 moved", treatment__id="face-1", treatment__area="face", treatment__version=2, course__session=1,
          treatment__ended_at="2026-10-31T15:00:00Z", time="2026-10-31T15:02:00Z", client__phone="+447400123451"),
    visit(id="face-2", treatment__id="face-2", treatment__area="face", treatment__version=1,
          client__ref="c-18", client__consent={"care": ["sms"]}),
    visit(id="face-2 hers", treatment__id="face-2", treatment__area="face", treatment__version=2,
          time="2026-11-20T15:06:00Z", client__email="ada@example.org"),
    voided("face-2 void", "face-2", version=3),
    visit(id="face-2 after all", treatment__id="face-2", treatment__area="face", treatment__version=4,
          time="2026-11-20T15:09:00Z", treatment__note="not void"),
    visit(id="legs-1", treatment__id="legs-1", treatment__protocol="ipl", treatment__area="legs",
          treatment__ended_at="2026-11-19T15:00:00Z", time="2026-11-19T15:00:00Z", client__locale="es"),
    voided("legs-1 void", "legs-1", time="2026-11-19T16:00:00Z"),
    booked("booked", area="face", time="2026-11-20T15:00:00Z"),
    booked("rebooked", area="face", time="2026-11-20T15:01:00Z", starts_at="2027-01-20T15:00:00Z"),
    booked("of the other course", protocol="ipl", appointment="appt-2", client={"ref": "c-17", "first_name": "Grace"}),
    cancelled(time="2026-11-20T15:02:00Z"),
    booked("booked again", area="face", time="2026-11-20T15:03:00Z", starts_at="2027-01-25T15:00:00Z"),
    updated("moved to Tokyo", time="2026-11-20T15:01:00Z", time_zone="Asia/Tokyo"),
    updated("moved to Madrid", time="2026-11-20T15:02:00Z", time_zone="Europe/Madrid", phone=""),
    agreed("yes", time="2026-11-20T15:07:00Z", care=["sms", "email"], rebook=["sms"]),
    agreed("no", time="2026-11-20T15:08:00Z", rebook=[]),
]  # fmt: skip
NUMBERS = count(1)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
@on_sqlite
async def test_any_order_ends_in_the_same_plan(house: House, data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.sampled_from(range(len(EVENTS))), min_size=2, max_size=7, unique=True))
    at_once = data.draw(st.integers(1, len(chosen)))
    as_said, shuffled = f"w{next(NUMBERS)}", f"w{next(NUMBERS)}"
    await house.take(*(_of(EVENTS[number], as_said) for number in sorted(chosen)))
    events = [_of(EVENTS[number], shuffled) for number in chosen]
    for first in range(0, len(events), at_once):
        await house.take(*events[first : first + at_once])
    assert await _essence(house, as_said) == await _essence(house, shuffled)


def _of(event: Json, world: str) -> Json:
    """The same event about clients, treatments and appointments of a world of their own."""
    value = deepcopy(event)
    value["id"] = f"{world} {value['id']}"
    for what, name in (("client", "ref"), ("treatment", "id"), ("appointment", "id")):
        if what in value["data"]:
            value["data"][what][name] = f"{world} {value['data'][what][name]}"
    return value


async def _essence(house: House, world: str) -> dict[str, Any]:
    """What must not depend on the order. Whether a step was never wanted or called off again is history."""

    async def told(model: type[Any], column: str, *names: str) -> Iterator[tuple[Any, ...]]:
        rows = await house.rows(model, core(model).c[column].startswith(f"{world} "))
        return (tuple(str(row._mapping[name]).replace(f"{world} ", "") for name in names) for row in rows)

    reminders = await told(Reminder, "client", "state", "client", "treatment", "step", "occurrence", "due_at",
                           "expires_at", "zone", "medium", "purpose")  # fmt: skip
    treatments = await told(Treatment, "id", "id", "client", "state", "ended_at", "note", "area", "version")
    clients = await told(Client, "ref", "ref", "first_name", "phone", "email", "time_zone", "locale", "as_of")
    consents = await told(Consent, "client", "client", "medium", "purpose", "granted", "source", "at")
    return {
        "reminders": {row for row in reminders if row[0] == "scheduled"},
        "treatments": {row for row in treatments if row[2] != "other-client"},
        "clients": set(clients),
        "consents": set(consents),
    }
