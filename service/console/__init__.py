"""The clinic's pages: what went out, what comes next, and each treatment's plan as a line in time.

`console_router(parts)` holds everything, its static files included; mount nothing else.
"""

from service.console.parts import ConsoleParts
from service.console.routes import console_router
from service.console.sign_in import sign_in_path
from service.console.static_files import STATIC

__all__ = ["STATIC", "ConsoleParts", "console_router", "sign_in_path"]
