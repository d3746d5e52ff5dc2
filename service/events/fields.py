"""What every shape is made of: keys, lines, times that name their offset, zones, languages."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from service.errors import BadInput
from service.timing import zone_named

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def _known_zone(name: str) -> str:
    try:
        zone_named(name)
    except BadInput as error:
        raise ValueError(error.code) from None
    return name


def _written_out(value: object) -> object:
    """A bare number could be seconds or milliseconds: only a date is a time."""
    if not isinstance(value, str) or not _DATE.match(value):
        raise ValueError("invalid-time")
    return value


def _in_range(moment: datetime) -> datetime:
    try:
        utc = moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("time-out-of-range") from None
    if utc < EARLIEST:
        raise ValueError("time-out-of-range")
    return utc


def _no_yes_or_no(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("not-a-number")  # noqa: TRY004 - pydantic only takes a ValueError
    return value


Key = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]
Zone = Annotated[str, AfterValidator(_known_zone)]
Moment = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_in_range)]
Whole = Annotated[int, BeforeValidator(_no_yes_or_no)]
Version = Annotated[Whole, Field(ge=0, le=2**53)]
Locale = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$")]


class Shape(BaseModel):
    """A JSON object: frozen, and a null in it says as much as a field left out."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _leave_out_nulls(cls, value: Any) -> Any:
        return {name: one for name, one in value.items() if one is not None} if isinstance(value, dict) else value
