"""Who is written to in a run, and with what: clinics, and care protocols whose steps live for a minute."""

import shutil
from pathlib import Path

from service.clinics import NewClinic, NewSender
from service.settings import data_folder
from service.types import Medium

NORTH, SOUTH, PAUSED, RESUMED = "north", "south", "paused", "resumed"
RATE = 40.0

LIVES = "1 minute"
"""From a step's due time to its expiry. Longer than any misfortune lasts: what expires unsent was forgotten."""

_PROTOCOLS = {
    "resend": """
title = "Sent again where the provider's records do not show it"
reviewed = true

[defaults]
quiet = "ignore"
expires = "1 minute"

[[step]]
name = "text"
after = "0 minutes"

[[step]]
name = "letter"
after = "0 minutes"
channels = ["email"]
""",
    "hold": """
title = "Held for a person where the provider's records do not show it"
reviewed = true

[defaults]
quiet = "ignore"
expires = "1 minute"
if_unknown = "hold"

[[step]]
name = "text"
after = "0 minutes"
""",
    "both": """
title = "By every channel"
reviewed = true

[defaults]
quiet = "ignore"
expires = "1 minute"
send = "all"

[[step]]
name = "text"
after = "0 minutes"
""",
}

STEPS = {"resend": ("text", "letter"), "hold": ("text",), "both": ("text",)}

_SMS = (
    '{{ clinic.name }}: Hi {{ client.first_name | default: "there" }}, keep it clean today. '
    "Worried? Call {{ location.urgent_phone }}\n"
)
_EMAIL = """---
subject: A quiet day for your skin
preheader: Little is best today.
---
Dear {{ client.first_name | default: "there" }},

Thank you for coming in. Worried? Call us on {{ location.urgent_phone }}.

Your team at {{ clinic.name }}
"""


def clinics() -> list[NewClinic]:
    """Two that are open throughout, one whose texts are paused for good, one whose texts are paused for a while."""
    return [_clinic(name) for name in NUMBERS]


NUMBERS = {name: f"+44740099999{number}" for number, name in enumerate((NORTH, SOUTH, PAUSED, RESUMED))}
"""Where each clinic's texts come from."""


def _clinic(name: str) -> NewClinic:
    return NewClinic(
        id=name,
        name=f"{name.title()} Skin Clinic",
        time_zone="Europe/London",
        country="GB",
        phone="+44 20 7946 0018",
        urgent_phone="+44 20 7946 0019",
        booking_url="https://clinic.example/book",
        senders=(
            NewSender(Medium.SMS, NUMBERS[name], rate=RATE),
            NewSender(Medium.EMAIL, f"care@{name}.example", rate=RATE),
        ),
    )


def write_home(folder: Path) -> Path:
    """An operator's folder with these protocols and their words; its path is AFTERCARE_HOME."""
    protocols, words = folder / "config" / "protocols", folder / "templates"
    protocols.mkdir(parents=True)
    words.mkdir()
    for layout in data_folder("templates").glob("layout.*"):
        shutil.copy(layout, words)
    for code, text in _PROTOCOLS.items():
        (protocols / f"{code}.toml").write_text(text)
        for step in STEPS[code]:
            for locale in ("en", "es"):
                place = words / code / step / locale
                place.mkdir(parents=True)
                (place / "sms.txt").write_text(_SMS)
                (place / "email.md").write_text(_EMAIL)
    return folder
