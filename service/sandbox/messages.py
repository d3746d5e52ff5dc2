"""Twilio's messages: what was accepted, where it stands at a given moment, and how Twilio would show it."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple
from zlib import crc32

from service.sandbox.lines import digest_of
from service.sandbox.rules import Fault

API = "2010-04-01"
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà\f^{}\\[~]|€"
)
_GSM_DOUBLE = "\f^{}\\[~]|€"
_ASCII_SINGLE = "".join(_GSM.difference(_GSM_DOUBLE)).encode("ascii", "ignore")
_ASCII_DOUBLE = _GSM_DOUBLE.encode("ascii", "ignore")


class Life(NamedTuple):
    """What becomes of a message, decided when it is accepted: `moves` tell (seconds after creation, status)."""

    direction: str
    first: str
    moves: tuple[tuple[float, str], ...] = ()
    error: str | None = None


class Text(NamedTuple):
    """One message, or the request for one that was not taken."""

    sid: str
    account: str
    to: str
    sender: str
    service: str
    body: str
    created: datetime
    life: Life
    callback: str = ""

    def status(self, now: datetime) -> str:
        age = (now - self.created).total_seconds()
        return next((status for after, status in reversed(self.life.moves) if after <= age), self.life.first)

    def sent_at(self, now: datetime) -> datetime | None:
        """When it left, if it has. Inbound ones have always."""
        if self.life.direction == "inbound":
            return self.created
        left = next((after for after, status in self.life.moves if status == "sent"), None)
        sent = None if left is None else self.created + timedelta(seconds=left)
        return sent if sent and sent <= now else None

    def as_json(self, status: str, now: datetime) -> dict[str, Any]:
        """As Twilio shows it. A messaging service has neither counted segments nor picked a number at first."""
        fresh = bool(self.service) and status == "accepted"
        error = self.life.error if status in ("undelivered", "failed") else None
        uri = f"/{API}/Accounts/{self.account}/Messages/{self.sid}"
        return {
            "account_sid": self.account,
            "api_version": API,
            "body": self.body,
            "date_created": rfc2822(self.created),
            "date_sent": rfc2822(self.sent_at(now)) if status not in ("accepted", "queued") else None,
            "date_updated": rfc2822(self._moved_at(status)),
            "direction": self.life.direction,
            "error_code": int(error) if error else None,
            "error_message": "The message did not arrive." if error else None,
            "from": None if fresh else self.sender,
            "messaging_service_sid": self.service or None,
            "num_media": "0",
            "num_segments": "0" if fresh else str(segments(self.body)),
            "price": None,
            "price_unit": "USD",
            "sid": self.sid,
            "status": status,
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": self.to,
            "uri": f"{uri}.json",
        }

    def _moved_at(self, status: str) -> datetime:
        if status == self.life.first:
            return self.created
        return self.created + timedelta(seconds=next(after for after, reached in self.life.moves if reached == status))

    # As the ledger asks

    @property
    def origin(self) -> str:
        return self.service or self.sender

    @property
    def subject(self) -> str:
        return ""

    @property
    def digest(self) -> str:
        return digest_of(self.body)

    @property
    def likeness(self) -> int:
        return hash((self.to, self.body))

    @property
    def attempt(self) -> str | None:
        return self.callback.rpartition("/")[2].partition("?")[0] or None


INBOUND = Life("inbound", "received")
_DEFAULT_ERRORS = {Fault.UNDELIVERED: "30003", Fault.FAILED: "30008"}


@lru_cache
def life_of(end: Fault | None, detail: str | None, first: str, sent_after: float, ended_after: float) -> Life:
    """The life of an accepted message that ends thus, or is delivered; with the seconds at which it moves on."""
    error = detail or _DEFAULT_ERRORS.get(end) if end else None
    last = (ended_after, end.value if end else "delivered")
    moves = (last,) if end is Fault.FAILED else ((sent_after, "sent"), last)
    return Life("outbound-api", first, moves, error)


class Shelf:
    """All messages in order of creation; by id and by recipient once somebody asks."""

    def __init__(self) -> None:
        self._all: list[Text] = []
        self._sorted = 0
        self._by_sid: dict[str, Text] = {}
        self._by_to: defaultdict[str, list[Text]] = defaultdict(list)

    def add(self, text: Text) -> None:
        self._all.append(text)

    def get(self, sid: str) -> Text | None:
        self._sort()
        return self._by_sid.get(sid)

    def newest_first(self, to: str | None) -> Iterator[Text]:
        """Those to one recipient, or all."""
        self._sort()
        return reversed(self._all if to is None else self._by_to.get(to, []))

    def _sort(self) -> None:
        """Sort in what has come since somebody asked: most messages are never asked for."""
        for text in islice(self._all, self._sorted, None):
            self._by_sid[text.sid] = text
            self._by_to[text.to].append(text)
        self._sorted = len(self._all)


def number_of(service: str) -> str:
    """The one number that a messaging service sends from: always the same, made from its sid; never a magic one."""
    return f"+1500555{10 + crc32(service.encode()) % 9_990:04}"


def segments(body: str) -> int:
    """How many SMS the body takes: 160 then 153 GSM-7 septets each, 70 then 67 UTF-16 units for anything else."""
    units, alone, joined = _septets(body), 160, 153
    if units is None:
        units, alone, joined = len(body.encode("utf-16-le")) // 2, 70, 67
    return 1 if units <= alone else -(-units // joined)


def _septets(body: str) -> int | None:
    """How many GSM-7 septets the body takes; None where it has a letter that GSM-7 lacks."""
    if body.isascii():  # so are most, and bytes are looked through ten times as fast
        rest = body.encode().translate(None, _ASCII_SINGLE)
        return None if rest.translate(None, _ASCII_DOUBLE) else len(body) + len(rest)
    return len(body) + sum(map(body.count, _GSM_DOUBLE)) if _GSM.issuperset(body) else None


def rfc2822(moment: datetime | None) -> str | None:
    """Twilio's way to write a time, to the second."""
    return None if moment is None else _stamp(int(moment.timestamp()))


@lru_cache(maxsize=4096)
def _stamp(second: int) -> str:
    """Always in English, so without strftime."""
    moment = datetime.fromtimestamp(second, UTC)
    day, month = _DAYS[moment.weekday()], _MONTHS[moment.month - 1]
    clock = f"{moment.hour:02}:{moment.minute:02}:{moment.second:02}"
    return f"{day}, {moment.day:02} {month} {moment.year} {clock} +0000"


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
