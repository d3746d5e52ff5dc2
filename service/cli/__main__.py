"""`python -m service.cli`, where the `aftercare` script is not installed."""

from service.cli.main import main

main()
