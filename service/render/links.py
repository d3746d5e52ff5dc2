"""Filters that only our own layout and the links of a letter use; a text may not name them."""

from collections.abc import Callable
from urllib.parse import quote

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


def _text(value: object) -> str:
    """An absent value raises here: it must not become a link to nowhere."""
    return str(value)


FILTERS: dict[str, Callable[..., object]] = {
    "web_link": web_link,
    "link_part": link_part,
    "dial": dial,
}
