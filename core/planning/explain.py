"""The sentence that tells an operator why, one per disk and never two that contradict each other.

It is made once, from the final reason, after everything was moved.  Knows no policy.
"""

from __future__ import annotations

import re
from typing import assert_never

from core.model.units import show_kib
from core.planning import reasons as r
from core.planning.sizing import Source

_ORDERS = {
    "full": "full forced by the operator",
    "bump": "level raised by the operator",
    "no-bump": "level kept by the operator",
    "level-1": "level 1 forced by the operator",
}
_RULES = {
    r.Rule.HELD: "PLN011 held back by the operator",
    r.Rule.STRATEGY_SKIP: "PLN011 strategy skip: never dumped",
    r.Rule.SKIP_FULL: "PLN011 skip_full: the full of today is made elsewhere",
    r.Rule.SKIP_INCR: "PLN011 skip_incr: only fulls are dumped, none is due",
    r.Rule.SKIP_FULL_UNKNOWN: "PLN005 skip_full is set, but no full is known; force one or unset skip_full",
    r.Rule.INCRONLY_UNKNOWN: "PLN005 strategy incronly needs an earlier full, and none is known",
}
MISDATED = "a full, since its dump of "
"""What begins the reason of a full that is made after a clock was set back; the datestamp follows."""
_CODED = re.compile(r"[A-Z]{3}\d{3} ")
"""A message that brings its code along: its page is the one that helps."""
_NEEDS_ATTENTION = frozenset({r.Rule.SKIP_FULL_UNKNOWN, r.Rule.INCRONLY_UNKNOWN})


def days(count: int) -> str:
    """``1 day``, ``2 days``."""
    return f"{count} day" if count == 1 else f"{count} days"


def why(reason: r.Reason) -> str:
    """Why a dump is planned at its level."""
    match reason:
        case r.NewDisk():
            return "new disk, first full"
        case r.FullLost():
            return "no volume holds its last full any more, a new one"
        case r.Misdated():
            return f"{MISDATED}{reason.datestamp} is dated later than the clock"
        case r.FullDue(overdue=0):
            return "full due today"
        case r.FullDue():
            return f"full overdue {days(reason.overdue)}"
        case r.FullEveryRun():
            return "full every run"
        case r.Forced():
            return _ORDERS[reason.order]
        case r.Incremental(due_in=due_in):
            return "incremental, never a full" if due_in is None else f"incremental, full due in {days(due_in)}"
        case r.Bumped():
            return f"bumped {reason.low}>{reason.high}, saves {show_kib(reason.saves)}"
        case r.Promoted():
            return f"promoted from {days(reason.days)} ahead"
        case r.FullWithoutIncremental():
            return "full, because no incremental has a size"
        case r.FullWithoutSize():
            return "full due, but it has no size; incremental instead"
        case r.Delayed():
            return f"PLN012 delayed full: {space(reason.cause)}"
    assert_never(reason)


def space(cause: r.TooBig | r.NoSpace) -> str:
    """What does not fit where, in numbers."""
    what = _dump(cause.level)
    match cause:
        case r.TooBig(needs=0):
            return (
                f"{what} of {show_kib(cause.size)} may not be split and is larger than a volume of {cause.storage}"
                f" ({show_kib(cause.capacity)})"
            )
        case r.TooBig():
            return (
                f"{what} of {show_kib(cause.size)} needs {cause.needs} volumes of {cause.storage},"
                f" you allow {cause.volumes}"
            )
        case r.NoSpace():
            return f"tonight needs {show_kib(cause.wanted)}, the volumes of {cause.storage} hold {show_kib(cause.room)}"
    assert_never(cause)


def refusal(cause: r.Refusal) -> tuple[str, bool]:
    """Why a disk is not dumped, and whether that needs attention."""
    match cause:
        case r.BySetting():
            return _RULES[cause.rule], cause.rule in _NEEDS_ATTENTION
        case r.NoSize() if _CODED.match(cause.error):
            return f"{cause.error}; no earlier dump tells how big it is", True
        case r.NoSize(reached=False):
            return f"PLN003 new disk, and its client did not answer: {cause.error}", True
        case r.NoSize(error=""):
            return "PLN003 the client gave no size, and no earlier dump tells one", True
        case r.NoSize():
            return f"PLN003 no size: {cause.error}", True
        case r.TooBig():
            return f"PLN004 {space(cause)}", True
        case r.NoSpace():
            return f"PLN006 {_dump(cause.level)} dropped: {space(cause)}", True
    assert_never(cause)


def _dump(level: int) -> str:
    return "full" if level == 0 else f"level {level}"


def origin(source: Source, reached: bool, error: str) -> str:
    """Where a size comes from when it is not the client's; empty when it is, or when the client was not asked."""
    match source:
        case Source.CLIENT:
            return ""
        case Source.HISTORY | Source.GUESS:
            kind = "size from history" if source is Source.HISTORY else "size guessed"
            if not reached:
                return f"client did not answer; {kind}"
            return f"no estimate from the client ({error}); {kind}" if error else kind
    assert_never(source)


def overflow(cause: r.NoSpace) -> str:
    """What a log says of a plan that could not be made to fit."""
    return f"PLN007 {space(cause)}; what does not fit waits on the holding disk"
