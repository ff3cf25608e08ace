"""``python -P -m core.dumper CONFIG``: dumps what is ordered on stdin, reports on stdout (`core.protocol.dumper`).

By hand, with a configuration that knows the disk:
``FILE-DUMP 00-00001 /spool/20260101000000/web1._home.0 web1 /home 0 1970:1:1:0:0:0 0 gnutar |;``
"""

from __future__ import annotations

import sys
from pathlib import Path

from core.config.load import load_site
from core.dumper.driver_pipe import DriverPipe, wake_on_sigterm
from core.dumper.serve import serve
from core.errors import TaperoomError, UsageError
from core.lossy import lose_what_cannot_be_said


def main(arguments: list[str]) -> int:
    """Serve until QUIT; exit code 0, or 2 when the configuration is no good."""
    try:
        if len(arguments) != 1:
            raise UsageError("DMP022", "usage: python -P -m core.dumper CONFIG")
        site = load_site(Path(arguments[0]))
    except TaperoomError as fault:
        print(fault, file=sys.stderr)
        return fault.exit_code
    serve(site, DriverPipe(wake=wake_on_sigterm()))
    return 0


if __name__ == "__main__":
    lose_what_cannot_be_said()
    sys.exit(main(sys.argv[1:]))
