"""The dumper's day: one order after the other until the driver has no more.

Promises one last word for each dump.  Does not know how a dump is made.
"""

from __future__ import annotations

import select
import time
from typing import assert_never

from core.dumper.calling import Switchboard
from core.dumper.driver_pipe import DriverPipe
from core.dumper.pump import Pump
from core.dumper.task import task_of
from core.dumper.verdict import Ending
from core.errors import UsageError
from core.model.dump import Outcome
from core.model.site import Site
from core.protocol.dumper import (
    WAS_STRANGE,
    AbortFinished,
    Confirm,
    Done,
    Failed,
    FileDump,
    PortDump,
    Retry,
    State,
    Strange,
    TryAgain,
)


def serve(site: Site, pipe: DriverPipe) -> None:
    """Carry out orders until QUIT, end of file or SIGTERM."""
    switchboard = Switchboard(site.org)
    try:
        while not pipe.gone:
            for order in pipe.orders():
                match order:
                    case FileDump() | PortDump():
                        _report(order, _dump(order, site, pipe, switchboard), pipe)
                    case Confirm(handle=handle):
                        switchboard.confirm(handle)
                if pipe.gone:
                    return
            _listen(pipe)
    finally:
        switchboard.close()


def _listen(pipe: DriverPipe) -> None:
    poll = select.poll()
    for fd in pipe.waits:
        poll.register(fd, select.POLLIN)
    pipe.listen({fd for fd, _ in poll.poll()} if pipe.waits else set())


def _dump(order: FileDump | PortDump, site: Site, pipe: DriverPipe, switchboard: Switchboard) -> Ending:
    try:
        task = task_of(order, site, time.time())
    except UsageError as fault:
        return Ending(Outcome.FAILED, str(fault))
    return Pump(task, site, pipe, switchboard).run()


def _report(order: FileDump | PortDump, ending: Ending, pipe: DriverPipe) -> None:
    handle = order.handle
    match ending.outcome:
        case Outcome.DONE | Outcome.STRANGE:
            if ending.outcome is Outcome.STRANGE:
                pipe.say(Strange(handle, ending.text))
            pipe.say(Done(handle, str(ending.stats) + (WAS_STRANGE if ending.outcome is Outcome.STRANGE else "")))
        case Outcome.TRY_AGAIN if ending.again is not None:
            pipe.say(Retry(handle, *ending.again, ending.text))
        case Outcome.TRY_AGAIN:
            pipe.say(TryAgain(handle, ending.text))
        case Outcome.FAILED:
            pipe.say(Failed(handle, ending.text))
        case Outcome.ABORTED:
            if pipe.state is State.ABORTING:
                pipe.say(AbortFinished(handle))
        case _:
            assert_never(ending.outcome)
