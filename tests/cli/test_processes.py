"""What the long-running processes ask of the system."""

import resource

from service.cli.processes import allow_many_files


def test_a_process_may_hold_as_many_connections_as_it_has_slots_whatever_its_shell_allows() -> None:
    soft, hard = before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(1_024, soft), hard))
        allow_many_files()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (10_240 if hard < 0 else min(10_240, hard), hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        allow_many_files()
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= soft
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
