"""Imports: files of events, NDJSON or CSV, through the one intake; streamed, resumable, with their rejects told."""

from service.imports.columns import COLUMNS
from service.imports.importer import Checking, Importer, Pace
from service.imports.journal import Journal
from service.imports.mapping import Map, load_map
from service.imports.progress import Notes, Progress
from service.imports.record import Reader
from service.imports.rehearsal import Rehearsal, rehearsal
from service.imports.rejects import Rejects
from service.imports.source import Encoding, Format, Source, inspect, reader_of
from service.imports.summary import Due, Summary, how_to_go_on

__all__ = [
    "COLUMNS",
    "Checking",
    "Due",
    "Encoding",
    "Format",
    "Importer",
    "Journal",
    "Map",
    "Notes",
    "Pace",
    "Progress",
    "Reader",
    "Rehearsal",
    "Rejects",
    "Source",
    "Summary",
    "how_to_go_on",
    "inspect",
    "load_map",
    "reader_of",
    "rehearsal",
]
