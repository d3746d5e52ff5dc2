"""The database: tables, and one file of named queries a subject. Imports no room above it."""
