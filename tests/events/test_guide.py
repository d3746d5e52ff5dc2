"""docs/events.md says what the code does: its examples are sent one after the other, and every code is explained."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from service.events import EXAMPLES
from service.intake.answer import Effect, Standing
from tests.dispatch.acting import on_sqlite
from tests.support.house import House

FOLDER = Path(__file__).parents[2]
GUIDE = (FOLDER / "docs/events.md").read_text("utf-8")
LISTED = set(re.findall(r"`([a-z]+(?:[-.][a-z]+)*)`", GUIDE))


def test_the_guide_shows_the_example_of_every_type_under_its_name() -> None:
    sections = dict(re.findall(r"^## ([a-z.]+)\n+```json\n(.*?)```", GUIDE, flags=re.S | re.M))
    assert {name: json.loads(block) for name, block in sections.items()} == EXAMPLES


def test_the_guide_explains_every_result_every_change_and_every_problem() -> None:
    sources = [path.read_text("utf-8") for path in (FOLDER / "service/events").glob("*.py")]
    problems = set(re.findall(r'"([a-z]+(?:-[a-z]+)+)"', "".join(sources)))
    of_the_body = {"duplicate-key", "invalid-json", "invalid-utf", "lone-surrogate", "nul-character", "too-deep"}
    assert {*Standing, *Effect, *problems} - of_the_body - {"unknown-field", "utf-sig"} <= LISTED


@on_sqlite
async def test_its_examples_sent_one_after_the_other_do_what_it_says(house: House) -> None:
    found = []
    for event in EXAMPLES.values():
        house.clock.moment = datetime.fromisoformat(event["time"]).astimezone(UTC) + timedelta(minutes=1)
        while (started := await house.dispatch()).intents or started.settled:
            pass
        (taken,) = await house.take(event)
        assert taken.warnings == ()
        assert (await house.take(event))[0].as_json() == taken.as_json()
        found.append((event["type"], taken.standing.value, {change.effect.value for change in taken.changes}))
    assert found == [
        ("treatment.completed", "planned", set()),
        ("appointment.booked", "booked", {"moved"}),
        ("appointment.cancelled", "cancelled", {"moved"}),
        ("client.updated", "recorded", {"moved"}),
        ("consent.changed", "recorded", set()),
        ("treatment.voided", "voided", {"cancelled"}),
        ("client.erased", "erased", set()),
    ]
