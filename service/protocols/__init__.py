"""Care protocols: what a clinic sends after a treatment, and when, read from TOML files and checked in full.

The reference for the people who write them is `docs/protocols.md`.
"""

from service.protocols.explain import explain
from service.protocols.model import (
    Asks,
    From,
    Only,
    Protocol,
    Repeat,
    Scale,
    Sessions,
    Step,
    Until,
)
from service.protocols.read import load_protocol, load_protocols, parse_protocol

__all__ = [
    "Asks",
    "From",
    "Only",
    "Protocol",
    "Repeat",
    "Scale",
    "Sessions",
    "Step",
    "Until",
    "explain",
    "load_protocol",
    "load_protocols",
    "parse_protocol",
]
