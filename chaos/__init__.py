"""Chaos: the whole house run for real while everything around it fails, and a check that the promise was kept.

    make chaos SEED=1 MINUTES=2

PostgreSQL, web and several workers are real processes; the providers are the sandbox, whose ledger says what was truly
accepted. `schedule` decides by a seed what fails and when, `blows` does it, `load` reports visits meanwhile, and at the
end `check` compares the ledger with the database.
"""
