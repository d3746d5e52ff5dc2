"""Links into a client's own pages: short enough for a text message, unguessable, and signed.

One scheme serves all client pages. Every message gets a random token of twelve letters and digits (71 bits), and the
keyed hash of that token is the name under which its attempt is stored anyway. So a link needs no row of its own, no
further statement when a message is made, and no signature behind it that an SMS would have to pay for; yet without the
secret key nobody can make one, not even from a copy of the database's names. The attempt tells clinic, client, step,
medium and purpose: nothing of that is in the address. Whoever would guess among a hundred million messages needs some
2^44 tries for one hit.

Keys are rotated by putting a new one in front: it signs, all of them verify. Once a key is gone, so are its links.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any, Final

from service.values import value_type

LENGTH: Final = 12
_PURPOSE: Final = b"client link"
"""Keeps these hashes apart from all else that the same secret signs. At most 16 bytes."""
_TOKEN: Final = re.compile(rf"(?<=/[apu])/[A-Za-z0-9]{{{LENGTH}}}$")
_KEY_BYTES: Final = 18
_DRAWN_BYTES: Final = 600


@value_type
class Link:
    """A message's way into its client's pages; its addresses are empty where the house has no public address."""

    token: str = field(repr=False)
    key: str
    """The attempt's name, which providers report under."""
    base: str

    @property
    def page(self) -> str:
        """The step's full advice."""
        return self._address("a")

    @property
    def preferences(self) -> str:
        return self._address("p")

    @property
    def unsubscribe(self) -> str:
        """Takes RFC 8058's POST."""
        return self._address("u")

    def _address(self, page: str) -> str:
        return f"{self.base}/{page}/{self.token}" if self.base else ""


class Links:
    """Makes links and recognises them. `secret_keys`: newest first. `base`: where clients reach us, or empty."""

    def __init__(self, base: str, secret_keys: Sequence[str]) -> None:
        self._base = base.rstrip("/")
        self._hashes = [_hash_with(key) for key in secret_keys]
        self._tokens = _random_tokens()

    def new(self) -> Link:
        """A link that nobody has."""
        return self.link(next(self._tokens))

    def link(self, token: str) -> Link:
        """The link that this token is of."""
        return Link(token, _key(self._hashes[0], token), self._base)

    def keys(self, token: str) -> list[str]:
        """The names that the attempt of this link may be stored under, one for each secret; none for what is no token.

        Looking them up takes as long for a wrong token as for a right one: what is compared is a hash that nobody
        outside can steer.
        """
        if len(token) != LENGTH or not (token.isascii() and token.isalnum()):
            return []
        return [_key(hash_, token) for hash_ in self._hashes]


def veiled(pinned: Mapping[str, Mapping[str, str | int]]) -> dict[str, Mapping[str, str | int]]:
    """A message's values for others to read than its client: its links are seen, but lead nowhere.

    Who has a link chooses as the client; a client's stop is not for staff to lift.
    """
    links = {name: _TOKEN.sub("/" + "*" * LENGTH, str(address)) for name, address in pinned.get("links", {}).items()}
    return {**pinned, "links": links}


def unlinked() -> Links:
    """For a house that no client can reach, as in previews: messages come without addresses of ours."""
    return Links("", [secrets.token_urlsafe(32)])


def sample_links(base: str) -> Links:
    """For previews: links as long as real ones, which lead nowhere."""
    return _SampleLinks(base, [secrets.token_urlsafe(32)])


class _SampleLinks(Links):
    def new(self) -> Link:
        return self.link("0" * LENGTH)


def _random_tokens() -> Iterator[str]:
    """Letters and digits only: programs that look for addresses in a text leave a dash at the end out.

    Many are drawn at a time: asking the system for each costs more than all the rest of a link.
    """
    while True:
        drawn = secrets.token_urlsafe(_DRAWN_BYTES).replace("-", "").replace("_", "")
        yield from (drawn[at : at + LENGTH] for at in range(0, len(drawn) - LENGTH + 1, LENGTH))


def _hash_with(secret: str) -> Any:
    key = hashlib.sha256(secret.encode()).digest()
    return hashlib.blake2b(key=key, person=_PURPOSE, digest_size=_KEY_BYTES)


def _key(hash_: Any, token: str) -> str:
    keyed = hash_.copy()
    keyed.update(token.encode())
    return base64.urlsafe_b64encode(keyed.digest()).decode()
