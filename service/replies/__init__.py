"""What clients write back: read, obeyed, kept, and told to the clinic's staff."""

from service.replies.asking import Questions
from service.replies.missed import MissedTexts
from service.replies.reading import Reading, ReplyKind, read
from service.replies.taking import ANSWERS_FOR, STOPPED, Replies, inbound_name

__all__ = [
    "ANSWERS_FOR",
    "STOPPED",
    "MissedTexts",
    "Questions",
    "Reading",
    "Replies",
    "ReplyKind",
    "inbound_name",
    "read",
]
