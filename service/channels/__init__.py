"""Channels: how a message leaves the house, and what its provider says about it afterwards.

A channel is one provider and one medium: it sends, looks up, verifies callbacks and owns the table of its provider's
errors. It answers with values of `types.Outcome`; what follows from them is dispatch's business alone.
"""
