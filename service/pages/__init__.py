"""The clients' own pages: full advice, preferences and unsubscribing, opened by the link in a message, without login.

The link is the authority: it is unguessable, came to the client's own phone or mailbox, and there are no cookies that
another site could ride on. Looking never changes anything, since programs that scan links look as well; only a POST
does. No page names or addresses the client: a phone is seen by others.
"""

from service.pages.desk import PageParts
from service.pages.routes import pages_router

__all__ = ["PageParts", "pages_router"]
