"""The sink that everybody sends to: the sandbox without latency, faults, callbacks or a ledger file."""

import sys

import uvloop

from service import clock
from service.sandbox import SandboxConfig, serve


def _tell(info: str) -> None:
    sys.stdout.write(f"{info}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(serve(SandboxConfig(now=clock.now, callbacks=False), _tell))
