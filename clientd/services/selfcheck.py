"""The service selfcheck: whether the disks of a request could be dumped (Amanda 3.5.1: client-src/selfcheck.c).

Promises one entry for everything that was looked at, well or wrong, in the form that the server asked for.  It reads no data.
"""

from __future__ import annotations

import platform
import sys

from clientd.programs import program_of
from clientd.services.checklist import Checklist, JsonList, PlainList
from clientd.services.contract import Context, by_hand, task_of
from clientd.settings import CRC32C
from core.errors import WorldError
from core.wire.features import SELFCHECK_MESSAGE
from core.wire.requests import Request


def selfcheck(request: Request, context: Context) -> int:
    """Check the client, then each disk."""
    told: Checklist = PlainList(context.say)
    if request.features.has(SELFCHECK_MESSAGE):
        told = JsonList(context.say, request.hostname)
    told.well(f"taperoom client, Python {platform.python_version()}, {platform.platform()}")
    if CRC32C is None:
        told.well("no crc32c module: dumps carry no checksum from the client")
    told.features(context.settings.features, request.hostname)
    for dle in request.dles:
        told.well(dle.disk)
        try:
            context.access.check(dle)
            program = program_of(dle)
        except WorldError as fault:
            told.wrong(f"{fault.code} {fault.message}")
            continue
        for well, text in program.check(task_of(dle, request, context)):
            (told.well if well else told.wrong)(text)
    told.end()
    return 0


if __name__ == "__main__":
    sys.exit(by_hand(selfcheck, "selfcheck"))
