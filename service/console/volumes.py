"""What the pages about words show: a protocol with its messages, and one message with all about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.authoring import Sheet, Shown, Standing
from service.content import LOCALES
from service.errors import Problem
from service.protocols import Protocol
from service.types import Medium


@dataclass(frozen=True, slots=True)
class Volume:
    """A protocol in a clinic: its messages, and in which languages they are let out to clients.

    `reviews` are rows by language; `captured` the languages whose messages stay in the outbox.
    """

    code: str
    protocol: Protocol
    standings: Sequence[Standing]
    reviews: Mapping[str, Any]
    captured: Sequence[str]

    @property
    def drafts(self) -> int:
        return sum(one.draft for one in self.standings)

    @property
    def held(self) -> int:
        return sum(one.held for one in self.standings)

    @property
    def own(self) -> int:
        return sum(one.number > 0 for one in self.standings)

    @property
    def locales(self) -> list[str]:
        return sorted({one.key.locale for one in self.standings}, key=lambda one: (one not in LOCALES, one))

    def in_locale(self, locale: str) -> list[Standing]:
        """Its messages in one language, step by step."""
        order = [step.name for step in self.protocol.steps]
        found = [one for one in self.standings if one.key.locale == locale]
        return sorted(found, key=lambda one: (order.index(one.key.step), one.key.medium != Medium.SMS))


@dataclass(frozen=True, slots=True)
class Leaf:
    """The chosen message: all about it, and how it looks to each sample client.

    `number` is the draft's where the draft is shown, else 0. `earlier` is the version that is looked back at, 0 for the
    shipped words, None where none is; `touches` scheduled reminders would go out otherwise if it were sent again.
    """

    sheet: Sheet
    number: int
    shown: Sequence[Shown]
    sample: str
    earlier: int | None = None
    touches: int = 0

    @property
    def standing(self) -> Standing:
        return self.sheet.standing

    @property
    def draft(self) -> int:
        return self.standing.newest if self.sheet.draft else 0

    @property
    def warnings(self) -> Sequence[Problem]:
        """What the draft is warned of and nobody has accepted yet."""
        return self.sheet.checked.open_warnings(self.sheet.draft.accepted) if self.sheet.draft else ()

    @property
    def sent_before(self) -> Sequence[Any]:
        """The rows of the clinic's own versions that were sent once and are not now, the newest first."""
        return [one for one in self.sheet.history if one.kind != "draft" and one.version and one.number != self.sent]

    @property
    def sent(self) -> int:
        return self.standing.number

    @property
    def look(self) -> Shown:
        return next((one for one in self.shown if one.sample == self.sample), self.shown[0])
