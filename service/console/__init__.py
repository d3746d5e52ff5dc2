"""The clinic's pages: what went out, what comes next, and each treatment's plan as a line in time.

`routes.console_router(parts)` holds everything, its static files included; mount nothing else. Nothing is passed on
here, so that whoever asks for the console's `address` needs no web server.
"""
