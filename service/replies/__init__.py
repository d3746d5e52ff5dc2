"""What clients write back: read, obeyed, kept, and told to the clinic's staff."""

from service.replies.asking import Questions, follow_alert_address
from service.replies.reading import Reading, ReplyKind, read
from service.replies.taking import ANSWERS_FOR, STOPPED, Replies, inbound_name

__all__ = [
    "ANSWERS_FOR",
    "STOPPED",
    "Questions",
    "Reading",
    "Replies",
    "ReplyKind",
    "follow_alert_address",
    "inbound_name",
    "read",
]
