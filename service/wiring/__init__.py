"""The composition root: the one room that builds concrete things out of settings and puts them together.

A file for each part of the house, so that a command imports no more than it starts: `aftercare clinic list` needs a
database, and neither a web server nor a worker. Nothing is passed on here: import from the part.
"""
