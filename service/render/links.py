"""Filters about addresses and numbers. `FILTERS` only our own layout and the links of a letter use."""

from collections.abc import Callable
from functools import lru_cache
from urllib.parse import quote

import phonenumbers
from liquid.exceptions import FilterArgumentError

from service.render import clean


def web_link(value: object) -> str:
    """A whole address for `href` or `src`: http or https, nothing else."""
    address = _text(value)
    if clean.is_web_address(address):
        return address
    raise FilterArgumentError("a link must begin with https://", token=None)


def link_part(value: object) -> str:
    """A value inside an address that the text itself begins."""
    return quote(_text(value), safe="")


def dial(value: object) -> str:
    return clean.dial(_text(value))


def phone(value: object) -> str:
    """An international number in groups, as people read it: `+44 20 7946 0018`. Anything else stays as it is."""
    written = _text(value)
    return _grouped(written) if written.startswith("+") else written


@lru_cache(maxsize=4096)
def _grouped(written: str) -> str:
    try:
        number = phonenumbers.parse(written)
    except phonenumbers.NumberParseException:
        return written
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def _text(value: object) -> str:
    """An absent value raises here: it must not become a link to nowhere."""
    return str(value)


FILTERS: dict[str, Callable[..., object]] = {
    "web_link": web_link,
    "link_part": link_part,
    "dial": dial,
}
