"""``python -P -m core.client.keeper DIR LOCK COMMAND…``: run one command in a session of its own and write down its end.

The first process ends at once, so that whoever started it has no child to wait for.  The command writes to ``said.log`` in
``DIR``, tells its progress in ``progress.json`` (`core.cli.progress`), and holds the lock on descriptor ``LOCK`` as long as
it lives (`core.client.restores`); its exit code goes to ``end.json``.  SIGINT to the process group whose number is in ``pid``
interrupts it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Go on in a child."""
    directory, lock, command = Path(arguments[0]), int(arguments[1]), arguments[2:]
    (directory / "pid").write_text(str(os.getpgrp()), "ascii")
    said = os.open(directory / "said.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
    if os.fork():
        return 0
    os.dup2(said, 1)
    os.dup2(said, 2)
    # What interrupts the command must not end its keeper; a handler, since the command would inherit that it is ignored.
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    environment = os.environ | {"TAPEROOM_PROGRESS": str(directory / "progress.json")}
    try:
        code = subprocess.run(command, env=environment, pass_fds=(lock,), check=False).returncode
    except OSError as fault:
        print(f"RST059 {command[0]}: {fault.strerror}", file=sys.stderr)
        code = 1
    fresh = directory / "end.json.new"
    fresh.write_text(json.dumps({"code": code if code >= 0 else 128 - code, "at": time.time()}), "ascii")
    fresh.replace(directory / "end.json")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
