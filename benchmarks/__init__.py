"""How fast Aftercare is, beside a good PostgreSQL job queue: `make bench`; docs/benchmarks.md tells how to read it."""
