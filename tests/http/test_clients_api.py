"""/v1/clients/.../export, DELETE /v1/clients/... and /v1/audit over HTTP."""

from service.clinics import add_clinic
from service.store.tables import Reminder
from tests.dispatch.acting import on_sqlite
from tests.http.serving import Web
from tests.privacy.lives import FIRST_NAME, REF, everything, live
from tests.support.house import clinic

pytestmark = on_sqlite


async def test_a_person_is_exported_and_erased_and_each_time_it_is_written_down(web: Web) -> None:
    await live(web.house)
    key = await web.issue("clients:write plans:read")
    exported = await web.send("GET", f"/v1/clients/{REF}/export", key=key)
    assert exported.status == 200
    assert exported.json["client"]["first_name"] == FIRST_NAME
    erased = await web.send("DELETE", f"/v1/clients/{REF}", key=key)
    assert (erased.status, erased.json["client"]) == (200, REF)
    assert erased.json["called_off"] > 0
    assert FIRST_NAME not in await everything(web.house)
    assert (await web.send("DELETE", f"/v1/clients/{REF}", key=key)).json["called_off"] == 0
    assert (await web.send("GET", f"/v1/clients/{REF}", key=key)).json["first_name"] == ""

    page = await web.send("GET", f"/v1/audit?client={REF}&limit=2", key=key)
    assert [line["act"] for line in page.json["lines"]] == ["client-read", "client-erased"], "a second time is no act"
    rest = await web.send("GET", f"/v1/audit?client={REF}&cursor={page.json['next']}", key=key)
    assert [line["act"] for line in rest.json["lines"]] == ["client-exported"]
    assert {line["who"][:7] for line in (*page.json["lines"], *rest.json["lines"])} == {"key:ac_"}
    assert (await web.send("GET", "/v1/audit?act=client-exported", key=key)).json["next"] is None
    assert (await web.send("GET", "/v1/audit?cursor=x", key=key)).is_problem(422, "bad-cursor")


async def test_reading_a_reminder_or_treatment_is_written_down_and_lists_are_not(web: Web) -> None:
    await live(web.house)
    key = await web.issue("clients:write plans:read")
    reminder = (await web.house.rows(Reminder))[0].id
    for path in (f"reminders/{reminder}", "treatments/visit-8812", f"clients/{REF}", "reminders", "treatments"):
        assert (await web.send("GET", f"/v1/{path}", key=key)).status == 200
    lines = (await web.send("GET", "/v1/audit", key=key)).json["lines"]
    assert [(line["act"], line["about"], line["client"]) for line in lines] == [
        ("client-read", None, REF), ("treatment-read", "visit-8812", REF), ("message-read", str(reminder), REF),
    ]  # fmt: skip


async def test_another_clinics_client_is_as_absent_as_one_who_never_was(web: Web) -> None:
    await live(web.house)
    async with web.house.database.write() as connection:
        await add_clinic(connection, clinic(id="other"), web.house.clock())
    key = await web.issue("clients:write", "other")
    for ref in (REF, "nobody"):
        for method, path in (("GET", f"{ref}/export"), ("DELETE", ref)):
            assert (await web.send(method, f"/v1/clients/{path}", key=key)).is_problem(404, "unknown-client")
    assert (await web.send("GET", "/v1/audit", key=key)).json["lines"] == []
    assert FIRST_NAME in await everything(web.house)
    assert (await web.send("GET", "/v1/audit")).is_problem(403, "missing-scope")
