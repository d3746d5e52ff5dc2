"""How a single value of a protocol file is read. Each refusal says what was found and what is accepted."""

import json
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import time
from difflib import get_close_matches
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, PlainSerializer

from service.timing import Offset, Span, parse_offset, parse_span
from service.types import Medium, Purpose

E = TypeVar("E", bound=StrEnum)

_KEBAB = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
_A_SLIP = 0.92
"""Of difflib: microneedlng, but neither microneedling-rf (0.90) nor laser-vein-removal for that of hair (0.83)."""
_SCALE = re.compile(r"(\d{1,2})-(\d{1,2})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Scale:
    """The numbers a client may answer with, both ends included."""

    low: int
    high: int

    def __str__(self) -> str:
        return f"{self.low}-{self.high}"


def shown(found: object) -> str:
    """A found value as its writer would know it again, cut to a bearable length."""
    text = json.dumps(found, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."


def accepted(names: Iterable[str]) -> str:
    """A closed list, printed."""
    return ", ".join(f'"{name}"' for name in names)


def nearest(found: object, names: Collection[str], *, cutoff: float = 0.6) -> str:
    """The accepted name that was probably meant; empty where nothing is near."""
    near = get_close_matches(found.lower(), names, n=1, cutoff=cutoff) if isinstance(found, str) else ()
    return near[0] if near else ""


def misspelt_protocol(code: str, protocols: Collection[str]) -> str:
    """The protocol whose name this is but for a slip of the hand; empty where it may be any other service.

    One treatment taken for another means the wrong advice: what is merely similar is not offered.
    """
    return nearest(re.sub(r"[\s_]+", "-", code.strip()), protocols, cutoff=_A_SLIP)


def did_you_mean(found: object, names: Collection[str]) -> str:
    """The nearest accepted name as a question, with its leading blank; empty where nothing is near."""
    near = nearest(found, names)
    return f' (did you mean "{near}"?)' if near else ""


def is_kebab(text: str) -> bool:
    return _KEBAB.fullmatch(text) is not None and len(text) <= 60


def _text(found: Any) -> str:
    text = found.strip() if isinstance(found, str) else ""
    if not 1 <= len(text) <= 80 or not text.isprintable():
        raise ValueError(f"found {shown(found)}; write one line of 1 to 80 characters")
    return text


def _kebab(found: Any) -> str:
    if not isinstance(found, str) or not is_kebab(found):
        raise ValueError(f'found {shown(found)}; write lower-case letters, digits and hyphens, like "day-1-sunscreen"')
    return found


def _yes_or_no(found: Any) -> bool:
    if not isinstance(found, bool):
        raise ValueError(f"found {shown(found)}; write true or false, without quotes")  # noqa: TRY004
    return found


def _wall_time(found: Any) -> time:
    if not isinstance(found, time):
        raise ValueError(f"found {shown(found)}; write a time with its seconds and without quotes, like 10:00:00")  # noqa: TRY004
    return found


def _offset(found: Any) -> Offset:
    return parse_offset(_quoted(found, '"6 weeks"'))


def _span(found: Any) -> Span:
    return parse_span(_quoted(found, '"4-6 weeks"'))


def _scale(found: Any) -> Scale:
    ends = _SCALE.fullmatch(_quoted(found, '"1-5"'))
    if ends is None or int(ends[1]) >= int(ends[2]):
        raise ValueError(f'{shown(found)} is no scale; write its lowest and highest number, like "1-5"')
    return Scale(int(ends[1]), int(ends[2]))


def _quoted(found: Any, example: str) -> str:
    if not isinstance(found, str):
        raise ValueError(f"found {shown(found)}; write it in quotes, like {example}")  # noqa: TRY004
    return found


def _whole(low: int, high: int) -> BeforeValidator:
    def read(found: Any) -> int:
        if not isinstance(found, int) or isinstance(found, bool) or not low <= found <= high:
            raise ValueError(f"found {shown(found)}; write a whole number from {low} to {high}")
        return found

    return BeforeValidator(read)


def one_of(kind: type[E]) -> BeforeValidator:
    """A word of a closed list."""
    return BeforeValidator(_reader_of(kind))


def some_of(kind: type[E], *, at_least: int = 0) -> BeforeValidator:
    """A list of words of a closed list, each once; their order is kept."""
    word = _reader_of(kind)

    def read(found: Any) -> tuple[E, ...]:
        return tuple(word(item) for item in _list_of_different(found, at_least))

    return BeforeValidator(read)


def _reader_of(kind: type[E]) -> Callable[[Any], E]:
    names = [str(member) for member in kind]

    def read(found: Any) -> E:
        if found not in names:
            raise ValueError(f"found {shown(found)}{did_you_mean(found, names)}; accepted: {accepted(names)}")
        return kind(found)

    return read


def _names(found: Any) -> tuple[str, ...]:
    return tuple(_kebab(item) for item in _list_of_different(found, 1))


def _list_of_different(found: Any, at_least: int) -> list[Any]:
    if not isinstance(found, list):
        raise ValueError(f"found {shown(found)}; write a list in square brackets")  # noqa: TRY004
    if len(found) < at_least:
        raise ValueError("the list is empty; name at least one, or leave the key out")
    if any(item in found[:place] for place, item in enumerate(found)):
        raise ValueError(f"found {shown(found)}; name each only once")
    return found


Title = Annotated[str, BeforeValidator(_text)]
Kebab = Annotated[str, BeforeValidator(_kebab)]
YesOrNo = Annotated[bool, BeforeValidator(_yes_or_no)]
WallTime = Annotated[time | None, BeforeValidator(_wall_time)]
# In JSON a value reads as it does in a file: "15 minutes", "4-6 weeks", "1-5".
_as_written = PlainSerializer(str, return_type=str, when_used="json")
Length = Annotated[Offset, BeforeValidator(_offset), _as_written]
Window = Annotated[Span, BeforeValidator(_span), _as_written]
ScaleValue = Annotated[Scale, BeforeValidator(_scale), _as_written]
Names = Annotated[tuple[str, ...], BeforeValidator(_names)]
SessionCount = Annotated[int, _whole(1, 100)]
Times = Annotated[int, _whole(1, 24)]
Answer = Annotated[int, _whole(0, 99)]
Media = Annotated[tuple[Medium, ...], some_of(Medium, at_least=1)]
PurposeName = Annotated[Purpose, one_of(Purpose)]
