"""The fields a message may use, in one table: what each means, an example, and whether it may be absent.

`docs/templates.md` shows the same table to clinic staff; a test holds the two together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import TypeAlias

Values: TypeAlias = Mapping[str, Mapping[str, str | int]]
"""What a template reads, as it is pinned on an attempt: group -> name -> value. An absent value has no key."""


@dataclass(frozen=True, slots=True)
class Field:
    """One row of the table. `optional`: a client may lack it, so a text must say what happens then."""

    path: str
    meaning: str
    example: str | int
    optional: bool = False


_OURS = "https://glow.example"

_TABLE = (
    Field("client.first_name", "the client's first name", "Ada", optional=True),
    Field("clinic.name", "the clinic's name", "Glow Skin Clinic"),
    Field("clinic.phone", "the clinic's main number", "020 7946 0000"),
    Field("clinic.urgent_phone", "the number for worries that cannot wait", "020 7946 0999"),
    Field("clinic.address", "the clinic's address, on one line", "1 Dean Street, London W1D 3RB"),
    Field("location.name", "where the treatment was; the clinic's name where there is only one place", "Glow Soho"),
    Field("location.phone", "that place's number, or the clinic's", "020 7946 0123"),
    Field("location.urgent_phone", "that place's urgent number, or the nearest there is", "020 7946 0999"),
    Field("location.address", "that place's address, or the clinic's", "5 Frith Street, London W1D 4PP"),
    Field("treatment.title", "the treatment's name; in email only", "Micro-needling"),
    Field("treatment.date", "the day of the treatment, in the reader's language", "20 November"),
    Field("treatment.ended_at", "when the treatment ended; always with the filter date or time", "2026-11-20T15:00"),
    Field(
        "treatment.note",
        "the clinic's own instruction for this visit; may have several lines",
        "No retinol for 10 days.",
        optional=True,
    ),
    Field("treatment.area", "the area treated, as the clinic's system names it", "forearm", optional=True),
    Field("course.session", "which session of the course this was", 2, optional=True),
    Field("course.of", "how many sessions the course has", 4, optional=True),
    Field("course.next_from", "first day of the best time for the next session", "18 December", optional=True),
    Field("course.next_to", "last day of that time", "1 January", optional=True),
    Field("provider.name", "who treated the client", "Dr Lee", optional=True),
    Field("links.booking", "where to book", "https://glow.example/book", optional=True),
    Field("links.page", "the page with the full advice of this message", f"{_OURS}/a/x7Kq2Lm9Rt4B", optional=True),
    Field("links.preferences", "where clients choose their messages", f"{_OURS}/p/x7Kq2Lm9Rt4B", optional=True),
)

MOMENTS = frozenset({"treatment.ended_at"})
"""Fields that are shown by the filters `date` and `time` only."""

FIELDS: Mapping[str, Field] = {field.path: field for field in _TABLE}


def pick(values: Values, fields: frozenset[str]) -> dict[str, dict[str, str | int]]:
    """Only the values that `fields` (dotted paths) name: what is pinned on an attempt, ready for JSON."""
    picked: dict[str, dict[str, str | int]] = {}
    for group, name in _names(fields):
        if name in values.get(group, ()):
            picked.setdefault(group, {})[name] = values[group][name]
    return picked


@lru_cache(maxsize=4096)
def _names(fields: frozenset[str]) -> tuple[tuple[str, str], ...]:
    """Group and name of each: the same for all messages of the same words."""
    return tuple((group, name) for group, _, name in (path.partition(".") for path in fields))


def suggestion(path: str) -> str:
    """`did you mean client.first_name?`, or where to find the list when nothing is near."""
    by_name = [known for known in FIELDS if known.endswith(f".{path}")]
    near = by_name or get_close_matches(path, FIELDS, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else "docs/templates.md lists the fields there are"
