"""The story of one reminder in sentences: what planned it, what was decided, each try and its outcome, where it stands.

Every sentence has a row behind it: an event, a decision line, an attempt, or the reminder itself. Times are the
client's own. Nothing here names the client, a number or an address.
"""

from service.story.teller import tell
from service.story.values import Sentence, Story

__all__ = ["Sentence", "Story", "tell"]
