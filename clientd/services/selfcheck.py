"""The service selfcheck: whether the disks of a request could be dumped (Amanda 3.5.1: client-src/selfcheck.c).

Promises one line ``OK text`` or ``ERROR [text]`` for everything that was looked at, in plain form whatever the server
would take.  It reads no data.
"""

from __future__ import annotations

import platform
import sys

from clientd.programs import find_program
from clientd.programs.contract import Task
from clientd.services.contract import Context, by_hand
from clientd.settings import CRC32C
from core.errors import WorldError
from core.wire.requests import Request, error_line, features_line


def selfcheck(request: Request, context: Context) -> int:
    """Check the client, then each disk."""
    context.say(f"OK taperoom client, Python {platform.python_version()}, {platform.platform()}\n")
    if CRC32C is None:
        context.say("OK no crc32c module: dumps carry no checksum from the client\n")
    context.say(features_line(context.settings.features, request.hostname))
    for dle in request.dles:
        context.say(f"OK {' '.join(dle.disk.split())}\n")
        try:
            context.access.check(dle)
            program = find_program(dle.program)
        except WorldError as fault:
            context.say(error_line(f"{fault.code} {fault.message}"))
            continue
        for well, text in program.check(Task(dle, request.hostname, context.settings, context.access)):
            context.say(f"OK {' '.join(text.split())}\n" if well else error_line(text))
    return 0


if __name__ == "__main__":
    sys.exit(by_hand(selfcheck, "selfcheck"))
