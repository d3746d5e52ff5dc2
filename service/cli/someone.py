"""Who is at the command line, as the audit log and the stories of reminders name them."""

import getpass
import os

from service.acts.acts import Who


def someone() -> Who:
    """By the name of their account on this machine; where that has none (containers), by its number."""
    try:
        return Who("command", getpass.getuser())
    except (KeyError, OSError, ImportError):
        return Who("command", f"uid-{os.getuid()}")
