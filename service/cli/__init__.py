"""The command line: `aftercare COMMAND`. Each command's file reads aloud what it does."""

from service.cli.main import main

__all__ = ["main"]
