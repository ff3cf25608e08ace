"""The planner: ``python -P -m core.planner CONFIG [HOST[:DISK] …]`` writes tonight's plan on stdout for the driver.

stdout carries `core.protocol.planner` only; stderr is free text.  Exit codes: 0 a plan was written, 1 there is nothing
to do (or nobody reads), 2 the configuration or the arguments are wrong.  It reads no stdin and changes nothing.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence

from core.errors import TaperoomError
from core.lossy import lose_what_cannot_be_said
from core.planner.children import kill_children
from core.planner.night import Night


def main(words: Sequence[str] | None = None) -> int:
    """Run the planner; the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)
    try:
        return Night.begin(sys.argv[1:] if words is None else words, sys.stdout.buffer, _log, time.time()).run()
    except TaperoomError as fault:
        _log(str(fault))
        return fault.exit_code
    except BrokenPipeError:
        _log("nobody reads the plan; the driver is gone")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # else the interpreter complains at its end
        return 1
    finally:
        kill_children()


def _log(text: str) -> None:
    # Names that are no UTF-8 must not end a run.
    sys.stderr.buffer.write(f"planner: {text}\n".encode("utf-8", "backslashreplace"))
    sys.stderr.buffer.flush()


def _end(_number: int, _frame: object) -> None:
    raise SystemExit(1)


if __name__ == "__main__":
    lose_what_cannot_be_said()
    sys.exit(main())
