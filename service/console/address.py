"""Where the console is entered."""

from urllib.parse import quote


def sign_in_path(token: str) -> str:
    """Where a token from `issue_sign_in` lets its bearer in; goes after the public address."""
    return f"/console/sign-in?token={quote(token)}"
