"""The aftercare page: the full advice behind the short link of a text, for as long as the course goes on."""

from datetime import timedelta

from service.links import Links
from service.store.tables import Client, Clinic, Treatment
from service.types import Sms
from tests.dispatch.acting import TEN, change, on_sqlite
from tests.pages.visiting import BASE, SECRETS, Clients, token_of
from tests.support.house import visit

NOTE = "no retinol <b>for</b> 10 days"


async def test_a_text_leads_to_its_step_s_full_advice(clients: Clients) -> None:
    token = await clients.opened_text(treatment__note=NOTE)
    message = clients.sent[-1].message
    assert isinstance(message, Sms)
    assert (message.segments, f"{BASE}/a/{token}" in message.text) == (1, True)
    page = await clients.reader().get(f"/a/{token}")
    assert page.status == 200
    assert "<h1>Protecting your skin today</h1>" in page.text
    assert "Choose shade, a hat or clothing." in page.text
    assert "no retinol &lt;b&gt;for&lt;/b&gt; 10 days" in page.text
    assert 'href="tel:02079460999">Call us: 020 7946 0999</a>' in page.text
    assert "5 Frith Street" in page.text
    assert f'href="../p/{token}"' in page.text
    assert "glow.example/book" not in page.text


@on_sqlite
async def test_a_nudge_s_page_has_its_button_and_the_reception_s_number(clients: Clients) -> None:
    letter = await clients.opened_letter("rebook", client__locale="es-MX")
    page = await clients.reader().get(f"/a/{token_of(letter)}")
    assert '<a class="act" href="https://glow.example/book" rel="noreferrer">Elegir una hora</a>' in page.text
    assert "Llámenos: +44 20 7946 0018" in page.text


@on_sqlite
async def test_a_letter_s_page_says_what_the_letter_said(clients: Clients) -> None:
    letter = await clients.opened_letter("care", treatment__note="no retinol for 10 days")
    await change(clients.house, Treatment, {"note": "something newer"})
    page = await clients.reader().get(f"/a/{token_of(letter)}")
    assert "no retinol for 10 days" in page.text
    assert "Ada" in letter.message.html  # type: ignore[union-attr]
    assert "Ada" not in page.text


@on_sqlite
async def test_a_page_follows_the_client_to_another_language(clients: Clients) -> None:
    letter = await clients.opened_letter("rebook")
    await change(clients.house, Client, {"locale_chosen": "es"})
    page = await clients.reader().get(f"/a/{token_of(letter)}")
    assert "entre el 18 de diciembre y el 1 de enero" in page.text
    assert "December" not in page.text


@on_sqlite
async def test_a_page_closes_with_its_course(clients: Clients) -> None:
    token = await clients.opened_text()
    clients.house.clock.moment = TEN + timedelta(days=55)
    assert (await clients.reader().get(f"/a/{token}")).status == 200
    clients.house.clock.moment = TEN + timedelta(days=400)
    page = await clients.reader().get(f"/a/{token}")
    assert page.status == 410
    assert "This page has closed" in page.text
    assert "020 7946 0123" in page.text
    assert "sun" not in page.text


@on_sqlite
async def test_a_newer_session_keeps_the_course_s_pages_open(clients: Clients) -> None:
    token = await clients.opened_text()
    for number, days in enumerate((60, 120), start=2):
        clients.house.clock.moment = TEN + timedelta(days=days)
        ended = clients.house.clock.moment.isoformat()
        await clients.house.take(
            visit(id=f"e-{number}", treatment__id=f"v-{number}", treatment__protocol="ipl",
                  treatment__ended_at=ended, time=ended)
        )  # fmt: skip
    assert (await clients.reader().get(f"/a/{token}")).status == 200


@on_sqlite
async def test_where_there_is_no_series_a_page_stays_a_month(clients: Clients) -> None:
    letter = await clients.opened_letter("care", treatment__protocol="dermal-filler")
    for days, status in ((29, 200), (30, 410)):
        clients.house.clock.moment = TEN + timedelta(days=days)
        assert (await clients.reader().get(f"/a/{token_of(letter)}")).status == status


@on_sqlite
async def test_a_treatment_that_never_was_has_no_page(clients: Clients) -> None:
    token = await clients.opened_text()
    await change(clients.house, Treatment, {"state": "voided"})
    assert (await clients.reader().get(f"/a/{token}")).status == 410


@on_sqlite
async def test_nothing_is_left_of_an_erased_client_s_links(clients: Clients) -> None:
    token = await clients.opened_text()
    await change(clients.house, Client, {"erased_at": TEN})
    for page in "apu":
        assert (await clients.reader().get(f"/{page}/{token}")).status == 404


@on_sqlite
async def test_a_link_that_nobody_sent_says_nothing_of_anybody(clients: Clients) -> None:
    await clients.opened_text()
    made_up = ("/a/aaaaaaaaaaaa", "/p/aaaaaaaaaaaa", "/u/aaaaaaaaaaaa", "/a/x", "/p/%00", "/u/'--", f"/a/{'a' * 4000}")
    for path in made_up:
        answer = await clients.reader().get(path, **{"accept-language": "es-ES,es;q=0.9"})
        assert answer.status == 404, path
        assert "Este enlace no lleva a ninguna parte" in answer.text
        assert "Glow" not in answer.text
        if not path.startswith("/a"):
            assert (await clients.reader().post(path)).status == 404


@on_sqlite
async def test_a_link_lives_through_one_change_of_the_secret_and_no_longer(clients: Clients) -> None:
    token = await clients.opened_text()
    first = SECRETS[0]
    statuses = [
        (await clients.reader(Links(BASE, keys)).get(f"/a/{token}")).status
        for keys in ([first], ["the newest of all, also of 32 characters", first], ["the newest of all, also of 32 ch"])
    ]
    assert statuses == [200, 200, 404]


@on_sqlite
async def test_pages_are_kept_by_nobody_and_run_nothing(clients: Clients) -> None:
    token = await clients.opened_text()
    for path in (f"/{page}/{known}" for page in "apu" for known in (token, "aaaaaaaaaaaa")):
        answer = await clients.reader().get(path)
        wanted = {"cache-control": "no-store", "referrer-policy": "no-referrer", "x-robots-tag": "noindex, nofollow",
                  "x-content-type-options": "nosniff"}  # fmt: skip
        assert wanted.items() <= answer.headers.items()
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'; img-src data:;")
        assert "frame-ancestors 'none'" in policy
        assert "set-cookie" not in answer.headers
        assert not any(mark in answer.text for mark in ("<script", "style=", "http://", "@import"))


@on_sqlite
async def test_the_clinic_s_colour_is_a_style_of_its_own(clients: Clients) -> None:
    token = await clients.opened_text()
    page = await clients.reader().get(f"/p/{token}")
    assert '<link rel="stylesheet" href="../pages/brand/d8b4a0.css">' in page.text
    style = await clients.reader().get("/pages/brand/d8b4a0.css")
    assert (style.status, style.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert "light-dark(#" in style.text
    for colour in ("D8B4A0", "d8b4a", "d8b4a0}body{", "..%2f..%2fetc"):
        assert (await clients.reader().get(f"/pages/brand/{colour}.css")).status == 404
    await change(clients.house, Clinic, {"brand": {"colour": "url(https://evil.example)"}})
    assert "evil" not in (await clients.reader().get(f"/p/{token}")).text
