"""What a person may do about a reminder: call it off, move it, have it sent now or once more, settle a doubt.

`decide` holds the rules, pure; `Acts` carries an act out beside workers, one winner each time.
"""

from service.acts.acts import Act, Cancel, Move, Resolve, Retry, SendNow, Verdict, Who
from service.acts.performing import Acts, Performed, version_of
from service.acts.rules import Change, Done, Refused, decide, in_doubt, possible

__all__ = [
    "Act",
    "Acts",
    "Cancel",
    "Change",
    "Done",
    "Move",
    "Performed",
    "Refused",
    "Resolve",
    "Retry",
    "SendNow",
    "Verdict",
    "Who",
    "decide",
    "in_doubt",
    "possible",
    "version_of",
]
