"""What a protocol is: frozen values, complete with their defaults, as planning uses them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from enum import StrEnum
from functools import cached_property
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from service.protocols.values import (
    Answer,
    Kebab,
    Length,
    Media,
    Names,
    PurposeName,
    Scale,
    ScaleValue,
    SessionCount,
    Times,
    Title,
    WallTime,
    Window,
    YesOrNo,
    one_of,
    some_of,
)
from service.timing import Offset, Unit
from service.types import IfUnknown, Medium, Purpose, Quiet, SendMode

__all__ = ["Area", "Asks", "From", "Head", "Manner", "Only", "Protocol", "Repeat", "Scale", "Sessions", "Step", "Until"]


class From(StrEnum):
    """Where a step counts from. The window is when the next session should be: `sessions.every` after the treatment."""

    TREATMENT = "treatment"
    WINDOW_START = "window start"
    WINDOW_END = "window end"


class Until(StrEnum):
    """What takes a step's place: a newer session for good, a booking until two days after its time."""

    NEWER_SESSION = "newer session"
    BOOKING = "booking"


class Only(StrEnum):
    """The state of the series in which a step is sent. Such a step belongs to the latest session of the course."""

    SERIES_OPEN = "series open"
    SERIES_OVER = "series complete or lapsed"


class Table(BaseModel):
    """A table of a protocol file: nothing unknown in it, nothing changed afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Sessions(Table):
    """A series: how many sessions (min to max), how far apart, and after how long without one it has lapsed."""

    min: SessionCount
    max: SessionCount
    every: Window
    lapses_after: Length | None = None
    """None: an open series stays open."""


class SessionsOfArea(Table):
    """What an area changes of the protocol's series; None: nothing."""

    min: SessionCount | None = None
    max: SessionCount | None = None
    every: Window | None = None
    lapses_after: Length | None = None

    def laid_over(self, series: Sessions) -> Sessions:
        return series.model_copy(update={key: getattr(self, key) for key in self.model_fields_set})


class Area(Table):
    """A part of the body that steps may be limited to."""

    sessions: SessionsOfArea | None = None


class Repeat(Table):
    """Further sends after the first, which is occurrence 0."""

    every: Length
    times: Times


class Asks(Table):
    """A question answered with a number; from `alert_from` upwards the clinic is told within `alert_within`."""

    scale: ScaleValue
    alert_from: Answer
    alert_within: Length


class Manner(Table):
    """How a step is sent: what `[defaults]` may set, with the defaults of the defaults."""

    at: WallTime = time(10)
    """Local wall time; None for a step that counts in minutes or hours, which is exact."""
    purpose: PurposeName = Purpose.CARE
    channels: Media = (Medium.SMS, Medium.EMAIL)
    send: Annotated[SendMode, one_of(SendMode)] = SendMode.FIRST
    expires: Length = Offset(20, Unit.HOURS)
    """From the due instant before any deferral."""
    quiet: Annotated[Quiet, one_of(Quiet)] = Quiet.DEFER
    if_unknown: Annotated[IfUnknown, one_of(IfUnknown)] = IfUnknown.RESEND_IF_ABSENT


class Step(Manner):
    """One message of a protocol: when, why, how, and what holds it back. `name` is its template's folder, too."""

    name: Kebab
    after: Length
    counts_from: Annotated[From, one_of(From), Field(alias="from")] = From.TREATMENT
    until: Annotated[tuple[Until, ...], some_of(Until)] = ()
    only: Annotated[tuple[Only, ...], some_of(Only)] = ()
    areas: Names | None = None
    """None: every area."""
    repeat: Repeat | None = None
    topic: Kebab | None = None
    asks: Asks | None = None

    @property
    def exact(self) -> bool:
        """True where the step counts in minutes or hours from the treatment's end."""
        return self.counts_from is From.TREATMENT and self.after.exact

    @cached_property
    def occurrences(self) -> tuple[Offset, ...]:
        """What each send adds to the first: nothing, then multiples of `repeat.every`."""
        if self.repeat is None:
            return (Offset(0, self.after.unit),)
        return tuple(self.repeat.every * times for times in range(self.repeat.times + 1))


class Head(Table):
    """The keys of a protocol file outside of its tables."""

    title: Title
    reviewed: YesOrNo = False


@dataclass(frozen=True, slots=True)
class Protocol:
    """A care protocol, checked. `code` is its file's name; `reviewed` is True once a clinician has confirmed it."""

    code: str
    title: str
    reviewed: bool
    sessions: Sessions | None
    areas: Mapping[str, Sessions | None]
    """Every area that the file declares, with its series."""
    steps: tuple[Step, ...]

    def step(self, name: str) -> Step | None:
        return next((step for step in self.steps if step.name == name), None)

    def sessions_for(self, area: str | None) -> Sessions | None:
        """The series of an area as an event names it; of the protocol where the area has none of its own."""
        return self.areas.get(area_key(area), self.sessions) if area else self.sessions

    def steps_for(self, area: str | None) -> list[Step]:
        """The steps that concern an area: those limited to it and those limited to none."""
        key = area_key(area) if area else None
        return [step for step in self.steps if step.areas is None or key in step.areas]


def area_key(area: str) -> str:
    """An area as an event names it, in the form of protocol files: `Upper Lip` is `upper-lip`."""
    return "-".join(area.casefold().split())
