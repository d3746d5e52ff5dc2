"""Who is looking: a signed cookie names clinic and staff, the tables say what they may do, on every request anew."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from fastapi import Request, Response
from itsdangerous import BadData, URLSafeSerializer

from service.store.sign_ins import SignedIn
from service.store.views import Member

LIFETIME = timedelta(hours=12)
_SALT = "aftercare console session"


class SignedOut(Exception):
    """Nobody is signed in, or not any longer."""


@dataclass(frozen=True, slots=True)
class Session:
    """Who came in, and when."""

    clinic: str
    staff: str
    opened_at: datetime

    def holds_for(self, member: Member) -> bool:
        """Not for somebody who was given the same name later, and not once they have signed out."""
        out = member.signed_out_at
        return self.opened_at >= member.since and (out is None or self.opened_at > out)


@dataclass(frozen=True, slots=True)
class Sessions:
    """Writes and reads the cookie. `keys`: newest first; the first signs, all verify."""

    keys: Sequence[str]
    secure: bool

    @property
    def cookie(self) -> str:
        """`__Host-` makes browsers refuse the cookie from a sibling domain or without https."""
        return "__Host-aftercare" if self.secure else "aftercare"

    def open(self, response: Response, who: SignedIn, now: datetime) -> None:
        response.set_cookie(
            self.cookie,
            self._signer().dumps([who.clinic, who.staff, now.isoformat()]),
            max_age=int(LIFETIME.total_seconds()),
            path="/",
            secure=self.secure,
            httponly=True,
            samesite="lax",
        )

    def close(self, response: Response) -> None:
        response.delete_cookie(self.cookie, path="/", secure=self.secure, httponly=True, samesite="lax")

    def read(self, request: Request, now: datetime) -> Session:
        """Raises SignedOut unless the cookie is ours and still good."""
        try:
            clinic, staff, opened_at = self._signer().loads(request.cookies.get(self.cookie, ""))
            session = Session(clinic, staff, datetime.fromisoformat(opened_at))
        except (BadData, TypeError, ValueError):  # ours once, of another shape
            raise SignedOut from None
        if now >= session.opened_at + LIFETIME:
            raise SignedOut
        return session

    def _signer(self) -> URLSafeSerializer:
        oldest_first = list(reversed(self.keys))
        return URLSafeSerializer(oldest_first, salt=_SALT, signer_kwargs={"digest_method": hashlib.sha256})


def is_from_our_pages(request: Request) -> bool:
    """Whether a browser sent this POST from one of our own pages.

    Every browser says so: `Sec-Fetch-Site` where the page is https or local, `Origin` everywhere.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    return urlsplit(request.headers.get("origin", "")).netloc == request.headers.get("host")
