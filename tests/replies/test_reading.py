"""What people really write, and what we make of it."""

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.content import LOCALES
from service.replies import reading
from service.replies.reading import ReplyKind, plain, read

STOPS = [
    "STOP", "stop", " Stop ", "STOP.", "STOP!!", "stop please", "Please STOP", "pls stop", "Stop, thanks",
    "STOP STOP STOP", "🛑", "🛑🛑 STOP", "Stop 🙏", "S T O P", "S.T.O.P.", "stooooop", "ＳＴＯＰ",
    "S\u200bT\u200bO\u200bP", "stop\tplease", "*STOP*", "“stop”", "stop all", "STOPALL", "end", "Quit!",
    "unsubscribe", "Unsubscribe me please", "UNSUBCRIBE", "opt out", "OPT-OUT", "optout", "revoke",
    "I revoke my consent", "Reply STOP", "I said stop", "no more texts", "No more messages!!",
    "no more of these texts please", "stop texting me", "Stop texting me please!", "stop sending me messages",
    "please stop messaging us", "Stop these messages", "stop all your reminders", "don't text me again",
    "Do not text me", "Dont message me anymore", "don’t contact me", "I don’t want these texts",
    "I do not want to receive messages", "don't send me any more texts", "remove me", "take me off",
    "leave me alone!", "cancel my reminders", "turn off reminders", "baja", "BAJA", "¡Baja!", "Baja por favor",
    "baja 🙏", "la baja", "alto", "para", "¡Basta ya!", "darme de baja", "quiero la baja", "me doy de baja",
    "Por favor, denme de baja", "no más mensajes", "no mas sms porfa", "no me envíen más mensajes",
    "No me envien mas mensajes!!", "no me manden más", "no me escriban", "no me escribáis más",
    "no quiero recibir más mensajes", "No quiero más mensajes", "no deseo recibir sus mensajes",
    "dejen de enviarme mensajes", "deja de escribirme", "paren los mensajes", "déjenme en paz", "desuscribirme",
    "cancelar suscripción",
]  # fmt: skip
"""Pure opt-outs: nobody need read them."""

STOPS_AND_MORE = [
    "STOP, 4", "4. Stop", "STOP 4", "stop 4️⃣", "stop texting me, it's a 5", "5 and stop",
    "stop but call me please", "Stop. I have moved to another clinic", "How do I unsubscribe?",
    "my skin is fine, no more texts please", "If you do not stop texting me I will complain",
    "why don't you stop texting me", "STOP\nthe redness is worse", "I didn't sign up, take me off your list",
    "CANCEL", "cancel please", "Cancel it", "I want to stop", "can you stop?", "stop it", "no more",
    "sorry, wrong number", "You have the wrong number", "go away", "stop, not start", "START? no, STOP",
    "baja, 4", "¿Cómo me doy de baja?", "cancelar", "número equivocado", "se ha equivocado de número",
    "please delete my data", "Stop calling me", "borren mis datos",
    "no me envíen más mensajes, me duele mucho", "no quiero nada", "Ya no más",
]  # fmt: skip
"""Opt-outs that staff read as well: there is more in them, or they may mean something else."""

ANSWERS = [
    "", "   ", "4", "4️⃣", "four", "1 fine thanks", "👍", "🙏🙏", "ok", "Thanks!", "yes", "Yes!", "yes please",
    "sí", "no", "no thanks", "CANCEL my visit", "Please cancel my appointment on Friday",
    "can I cancel tomorrow?", "please stop by the clinic", "Can I stop by the clinic?", "I'll stop by at 5",
    "the bleeding won't stop", "It doesn't stop itching", "it did stop itching", "Should I stop the retinol?",
    "when can I stop using sunscreen", "Do I need to stop?", "make it stop", "I want it to stop", "don't stop",
    "please don't stop texting me, I like it", "I don't want to unsubscribe", "do not cancel my reminders",
    "I never got the message", "I got no message from you", "please text me again", "call me",
    "the end of my nose is red", "I have a question, can you help?", "resume", "subscribe",
    "Can I start again with acids?", "starting tomorrow", "I need information about peeling",
    "para mí está bien, gracias", "la inflamación baja poco a poco", "estoy de baja", "no gracias",
    "cancelar mi cita del viernes", "no quiero dejar de recibir mensajes", "no dejen de escribirme",
    "no me enviaron la cita", "¿cuándo puedo dejar de usar protector?", "por fin estoy mejor",
    "me ayuda mucho la crema", "empezar mañana", "alta", "\u202etxet", "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0", "{{ client.first_name }}",
]  # fmt: skip


@pytest.mark.parametrize("text", STOPS)
def test_whoever_says_stop_is_understood(text: str) -> None:
    found = read(text, stopped=False)
    assert (found.kind, found.more) == (ReplyKind.OPT_OUT, False)


@pytest.mark.parametrize("text", STOPS_AND_MORE)
def test_a_stop_with_more_to_it_stops_and_is_read_by_staff(text: str) -> None:
    found = read(text, stopped=False)
    assert (found.kind, found.more) == (ReplyKind.OPT_OUT, True)


@pytest.mark.parametrize("text", ANSWERS)
def test_all_else_is_an_answer(text: str) -> None:
    found = read(text, stopped=False)
    assert (found.kind, found.more) == (ReplyKind.ANSWER, True)


@pytest.mark.parametrize(
    ("text", "stopped", "kind", "more"),
    [
        ("START", True, "opt-in", False),
        ("start", False, "opt-in", False),
        ("Unstop!", True, "opt-in", False),
        ("start please 🙏", True, "opt-in", False),
        ("Start, and how do I book?", True, "opt-in", True),
        ("yes", True, "opt-in", False),
        ("YES!", True, "opt-in", False),
        ("yes please", True, "answer", True),
        ("yes it still hurts", True, "answer", True),
        ("yes, 4", True, "answer", True),
        ("subscribe", True, "opt-in", False),
        ("resume messages please", True, "opt-in", False),
        ("quiero darme de alta", True, "opt-in", False),
        ("when can I start again?", True, "answer", True),
        ("stop", True, "opt-out", False),
        ("HELP", False, "help", False),
        (" help ", True, "help", False),
        ("Info", False, "help", False),
        ("AYUDA", False, "help", False),
        ("HELP!!!", False, "help", True),
        ("help me please", False, "help", True),
        ("necesito ayuda", False, "help", True),
        ("help it is bleeding", False, "answer", True),
        ("help 5", False, "answer", True),
    ],
)
def test_coming_back_takes_a_clear_word_and_a_cry_for_help_is_heard(
    text: str, stopped: bool, kind: str, more: bool
) -> None:
    found = read(text, stopped=stopped)
    assert (found.kind, found.more) == (kind, more)


@pytest.mark.parametrize(
    ("text", "stopped", "handled", "kind", "more"),
    [
        ("Stop", False, "STOP", "opt-out", False),
        ("adios", False, "STOP", "opt-out", False),  # a keyword of the clinic's own, set up at the provider
        ("CANCEL", False, "STOP", "opt-out", True),
        ("YES", True, "START", "opt-in", False),
        ("YES", False, "START", "answer", True),
        ("START", False, "START", "opt-in", False),
        ("vuelvo", True, "START", "opt-in", False),
        ("HELP", False, "HELP", "help", False),
        ("asistencia", False, "HELP", "help", False),
    ],
)
def test_what_the_provider_acted_on_is_believed(text: str, stopped: bool, handled: str, kind: str, more: bool) -> None:
    found = read(text, stopped=stopped, handled=handled)
    assert (found.kind, found.more) == (kind, more)


def test_the_language_of_a_keyword_is_told() -> None:
    assert [read(text, stopped=False).language for text in ("baja", "stop", "4")] == ["es", "en", ""]


@settings(max_examples=100)
@given(st.text(max_size=1600) | st.lists(st.sampled_from(STOPS + ANSWERS)).map(" ".join), st.booleans())
def test_no_text_is_too_odd(text: str, stopped: bool) -> None:
    found = read(text, stopped=stopped)
    assert found.kind is not ReplyKind.ANSWER or found.more


@settings(max_examples=50)
@given(
    st.sampled_from(["stop", "baja", "no more texts"]),
    st.text(" .!?\n\u200b🙏☹️´`*", max_size=8),
    st.text(" .!?\n\u200b🙏☹️´`*", max_size=8),
)
def test_no_decoration_hides_a_stop(word: str, before: str, after: str) -> None:
    assert read(f"{before}{word.upper()}{after}", stopped=False) == read(word, stopped=False)


def test_every_shipped_language_has_every_kind_of_phrase() -> None:
    table = tomllib.loads((Path(reading.__file__).parent / "keywords.toml").read_text())
    assert set(table) == {"symbols", *LOCALES}
    for locale in LOCALES:
        assert set(table[locale]) == {*reading._MEANINGS, "courtesy", "joins", "parts"}
        for phrases in (table[locale][meaning] for meaning in (*reading._MEANINGS, "courtesy", "joins")):
            for phrase in phrases:
                assert re.compile(phrase.replace("{", "(").replace("}", ")")) is not None
                assert plain(re.sub(r"[^\w ]", " ", phrase)).isascii(), phrase
