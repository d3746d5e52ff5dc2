"""Settings: the environment over `.env` over `config/aftercare.toml`, checked at once and told by name.

`load()` reads them all; `require_for(settings, role)` completes them for one role or says what that role lacks.
`Settings(...)` reads nothing by itself, so a test or a tool says exactly what it wants.
"""

from service.settings.homes import data_folder, home_file
from service.settings.model import Channels, DatabaseLimits, Intake, QuietHours, Sending, Settings, Worker
from service.settings.read import load
from service.settings.roles import Role, require_for

__all__ = [
    "Channels",
    "DatabaseLimits",
    "Intake",
    "QuietHours",
    "Role",
    "Sending",
    "Settings",
    "Worker",
    "data_folder",
    "home_file",
    "load",
    "require_for",
]
