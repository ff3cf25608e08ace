"""Orders to the run under way: stop, pause, resume, degrade, hold, release, priority, retry, abort.

Thin words over the control socket; what comes of an order is a fact of the journal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from core.cli import show, where

if TYPE_CHECKING:
    from core.protocol import operator as op

_DISK = typer.Argument(metavar="HOST:DISK", help="Which disk.", autocompletion=where.complete_disk)


def answer_of(reply: op.Ok | op.Refused | op.Gone, done: str) -> int:
    """Say what came of an order; exit code 0 only when it was taken.  StartError RUN021, RUN020."""
    from core.errors import StartError, UsageError
    from core.protocol import operator as op

    match reply:
        case op.Ok(message):
            show.say(message or done)
            return 0
        case op.Refused(message):
            raise UsageError("RUN021", f"the run refused: {message}", "'taperoom status' shows how things stand")
        case op.Gone():
            raise StartError("RUN020", "the run is over, or its driver does not answer", "'taperoom status' shows it")


def _say(said: op.Order, done: str) -> int:
    from core.client.control import order

    return answer_of(order(where.the_live_run(where.site()), said), done)


def _key(name: str) -> tuple[str, str]:
    return where.one_disk(where.site(), name).key


def stop(
    now: Annotated[bool, typer.Option("--now", help="Give up the dumps under way, too; they are tried next time.")] = False,
) -> int:
    """End the run after the dumps under way.

    \b
    Examples:
      taperoom stop
      taperoom stop --now
    """
    from core.protocol import operator as op

    return _say(op.Stop("now" if now else ""), "the run stops now" if now else "the run ends after the dumps under way")


def pause() -> int:
    """Start no new dump until 'taperoom resume'.

    Dumps under way and writing go on.

    \b
    Example:
      taperoom pause
    """
    from core.protocol import operator as op

    return _say(op.Pause(), "no new dump is started")


def resume() -> int:
    """Take 'taperoom pause' back.

    \b
    Example:
      taperoom resume
    """
    from core.protocol import operator as op

    return _say(op.Resume(), "dumps are started again")


def degrade() -> int:
    """Go on without a volume in this run.

    Nothing more is written to volumes. What waits is dumped to the holding disk, fulls at their smaller level; the next
    run flushes it.

    \b
    Example:
      taperoom degrade
    """
    from core.protocol import operator as op

    return _say(op.Degrade(), "no volume is used any more in this run; dumps stay on the holding disk")


def priority(
    disk: Annotated[str, _DISK],
    number: Annotated[int, typer.Argument(metavar="N", help="Higher goes first; most disks have 1.")],
) -> int:
    """Give a disk that waits another priority.

    \b
    Example:
      taperoom priority db2:/var 9
    """
    from core.protocol import operator as op

    return _say(op.Priority(*_key(disk), number), f"{disk} has priority {number} now")


def hold(disk: Annotated[str, _DISK]) -> int:
    """Do not start this disk tonight.

    'taperoom release' takes it back.

    \b
    Example:
      taperoom hold db2:/var
    """
    from core.protocol import operator as op

    return _say(op.Hold(*_key(disk)), f"{disk} is held")


def release(disk: Annotated[str, _DISK]) -> int:
    """Take 'taperoom hold' back.

    \b
    Example:
      taperoom release web4:/home
    """
    from core.protocol import operator as op

    return _say(op.Release(*_key(disk)), f"{disk} is released")


def retry(disk: Annotated[str, _DISK]) -> int:
    """Dump a failed disk again in this run.

    \b
    Example:
      taperoom retry web4:/home
    """
    from core.protocol import operator as op

    return _say(op.Retry(*_key(disk)), f"{disk} is dumped again")


def abort(disk: Annotated[str, _DISK]) -> int:
    """Give up the dump of a disk that is under way.

    What it has dumped so far is dropped.

    \b
    Example:
      taperoom abort db2:/var
    """
    from core.client.runs import view_of
    from core.errors import UsageError
    from core.events.view import DiskState
    from core.protocol import operator as op

    site = where.site()
    key = where.one_disk(site, disk).key
    found = view_of(where.the_live_run(site)).disks.get(key)
    if found is None or found.state not in (DiskState.DUMPING, DiskState.STALLED):
        raise UsageError("RUN021", f"{disk} is not being dumped: {found.state.value if found else 'not planned'}",
                         "'taperoom hold' keeps a disk from being started")
    return _say(op.AbortDump(found.handle), f"the dump of {disk} is given up")
