"""What Twilio's fields and error codes mean, wherever they come: in answers, callbacks and lists."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from service.channels.answers import load_table
from service.types import AttemptState

_FILE: Final = Path(__file__).with_name("twilio_sms.toml")
TABLE: Final = load_table(_FILE)
_KEYWORDS: Final[Mapping[str, str]] = {
    word: keyword for keyword, words in tomllib.loads(_FILE.read_text("utf-8"))["keywords"].items() for word in words
}
STATES: Final[Mapping[str, AttemptState]] = {
    "accepted": AttemptState.ACCEPTED,
    "scheduled": AttemptState.ACCEPTED,
    "queued": AttemptState.ACCEPTED,
    "sending": AttemptState.ACCEPTED,
    "sent": AttemptState.SENT,
    "delivered": AttemptState.DELIVERED,
    "read": AttemptState.DELIVERED,
    "undelivered": AttemptState.UNDELIVERED,
    "failed": AttemptState.FAILED,
    "canceled": AttemptState.FAILED,
}


def keyword_in(text: str) -> str:
    """`STOP`, `START` or `HELP` where Twilio itself acts on this text; else empty."""
    return _KEYWORDS.get(text.strip().upper(), "")


def count_of(value: object) -> int:
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() else 0


def code_of(value: object) -> str:
    """Twilio's error code, empty where there is none. Only digits pass: whatever else an answer holds stays out."""
    text = str(value)
    return text if text.isascii() and text.isdecimal() and len(text) <= 6 else ""
