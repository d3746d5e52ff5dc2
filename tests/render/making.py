"""Short ways to words and values for the tests of this room."""

from pathlib import Path

from service.errors import AftercareError
from service.render import SAMPLES, Values, Wording, read_wording
from service.render.layout import load_layout
from service.types import Medium

FOLDER = Path(__file__).resolve().parents[2] / "templates"
LAYOUT = load_layout(FOLDER)
ADA: Values = SAMPLES[0].values("en-GB")
WHERE = "templates/p/s/en/file"


def sms(source: str, locale: str = "en") -> Wording:
    return read_wording("p", "s", Medium.SMS, locale, source, layout=LAYOUT, where=WHERE)


def letter(body: str, head: str = "subject: Hello", locale: str = "en") -> Wording:
    source = f"---\n{head}\n---\n{body}"
    return read_wording("p", "s", Medium.EMAIL, locale, source, layout=LAYOUT, where=WHERE)


def untried(body: str, head: str = "subject: Hello") -> Wording:
    """A letter that need not suit the sample clients."""
    source = f"---\n{head}\n---\n{body}"
    return read_wording("p", "s", Medium.EMAIL, "en", source, layout=LAYOUT, where=WHERE, tried=False)


def complaints(error: AftercareError) -> list[tuple[str, str]]:
    """Code and `line:column` of every problem."""
    return [(problem.code, problem.where.removeprefix(f"{WHERE}:")) for problem in error.problems]
