"""What is sent to /v1/templates, with an example of each, and what changing words may answer."""

from pydantic import Field

from service.authoring import Change
from service.http.auth import Caller
from service.http.manners import MOST, Body, body_of, problem
from service.types import Json

OF_CHANGES: dict[int | str, Json] = {
    409: problem("These words cannot be sent so (`not-previewed`, `never-published`, `no-version-yet`)."),
    422: problem("What is wrong with them, by place; or warnings that nobody accepted (`warnings-not-accepted`)."),
    412: problem("Somebody was quicker (`stale-version`); the newer version is in `newer`."),
    428: problem("Name the version that is changed, as `If-Match` (`no-if-match`)."),
}


class By(Body):
    """Who changes something, and why; both are kept with the version."""

    author: str = Field("", max_length=80)
    """A person's name; else the key's."""
    note: str = Field("", max_length=500)

    def change(self, caller: Caller, based_on: int = 0) -> Change:
        return Change(self.author or caller.key, self.note, based_on, f"key:{caller.key}")


class Draft(By):
    source: str = Field(max_length=20_000)
    """The file as docs/templates.md describes it."""
    accept: list[str] = Field(default_factory=list, max_length=20)
    """Codes of the warnings that the author takes on."""


class Numbered(By):
    number: int = Field(ge=0, le=MOST)
    """The version to publish, or to restore (0: the shipped words)."""


class Look(Body):
    """At most one of both; neither: what is sent now."""

    number: int = Field(0, ge=0, le=MOST)
    source: str | None = Field(None, max_length=20_000)


class Held(By):
    medium: str = ""
    locale: str = ""


_DRAFT = {"source": "{{ clinic.name }}: sunscreen from today. Call {{ location.urgent_phone }}", "author": "Grace"}
DRAFT_BODY: Json = body_of(Draft, draft=_DRAFT)
LOOK_BODY: Json = body_of(Look, now={}, draft={"number": 3})
NUMBERED_BODY: Json = body_of(Numbered, third={"number": 3})
HELD_BODY: Json = body_of(Held, sms={"medium": "sms", "note": "wrong number"})
