"""What Twilio answers to a text that it takes: the message as JSON, written into a blank.

The answers to one sender within one second differ only in a few places, so the rest is made once. They are the same to
the letter as `Text.as_json` makes them: that makes the blank.
"""

from datetime import UTC, datetime
from functools import lru_cache

import orjson

from service.sandbox.messages import Life, Text, segments


def receipt(text: Text) -> bytes:
    """`text` was taken: it has a sid, and a number that was checked. Neither holds a letter that JSON would escape."""
    sid, service = text.sid.encode(), text.service
    blank = _blank(text.account, text.sender, service, text.life.first, int(text.created.timestamp()))
    return blank % (orjson.dumps(text.body), 0 if service else segments(text.body), sid, sid, text.to.encode(), sid)


@lru_cache(maxsize=256)
def _blank(account: str, sender: str, service: str, first: str, second: int) -> bytes:
    """With gaps for body, segments, sid, sid, to and sid."""
    created = datetime.fromtimestamp(second, UTC)
    account, sender, service = (part.replace("%", "%%") for part in (account, sender, service))
    text = Text("%b", account, "%b", sender, service, "%b", created, Life("outbound-api", first))
    fields = text.as_json(first, created) | {"num_segments": "%d"}
    return orjson.dumps(fields).replace(b'"body":"%b"', b'"body":%b')
