"""The guide for clinic staff says what the code does."""

import re

from service.render import FIELDS, render
from service.render.liquid import FILTERS
from service.types import Sms
from tests.render.making import ADA, FOLDER, sms

GUIDE = (FOLDER.parent / "docs/templates.md").read_text("utf-8")


def test_the_guide_lists_every_field_as_the_code_has_it() -> None:
    listed = [row for row in _rows() if row[0] in FIELDS]
    assert listed == [
        [field.path, field.meaning, str(field.example), "may be absent" if field.optional else ""]
        for field in FIELDS.values()
    ]


def test_the_guide_lists_every_filter_with_what_it_gives() -> None:
    examples = {row[0]: (row[2].strip("`"), row[3]) for row in _rows() if row[0] in FILTERS}
    assert set(examples) == set(FILTERS)
    for source, given in examples.values():
        assert render(sms(f"a {source}"), {**ADA, "client": {}}) == Sms(f"a {given}", 1, "GSM-7")


def test_the_guide_explains_every_problem() -> None:
    rooms = [FOLDER.parent / "service" / room for room in ("render", "authoring")]
    sources = [path.read_text("utf-8") for room in rooms for path in room.glob("*.py")]
    codes = set(re.findall(r'"((?:template|message|layout|missing|render|warn)-[a-z-]+)"', "".join(sources)))
    assert codes
    assert not [code for code in codes if f"`{code}`" not in GUIDE]


def _rows() -> list[list[str]]:
    """The cells of every table row that begins with a code; the first without its quotes."""
    lines = [line.strip("|").replace("\\|", "\0") for line in GUIDE.splitlines() if line.startswith("| `")]
    cells = [[cell.strip().replace("\0", "|") for cell in line.split("|")] for line in lines]
    return [[first.strip("`"), *rest] for first, *rest in cells]
