"""What a restore will read and write, as an operator reads it: all of it for `--dry-run`, the short of it before a real one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from core.cli import show
from core.cli.show import moment

if TYPE_CHECKING:
    from core.restore.forecast import Forecast, Step, Stop
    from core.restore.recover import Recovery

_NAMES = 5
"""So many names that are there already are shown."""


def announce(ahead: Forecast, overwrite: bool, to: str) -> None:
    """The short of it: bytes, time, what is read in which order, and what is lost."""
    from core.report.text import wrap

    _resumed(ahead)
    show.say_lines(wrap(_sum(ahead), after="  "))
    _order(ahead)
    show.say_lines(line for text in hindrances(ahead, to) for line in wrap(text, after="  "))
    if overwrite:
        show.say_lines(_taken("will be overwritten", ahead.taken))
    show.flush()


def tell(work: Recovery, overwrite: bool) -> int:
    """All of it; 1 when a restore would refuse, else 0."""
    from core.report.text import clean, count, wrap

    ahead, known = work.forecast, work.result
    for title, stamp in known.as_of.items():
        show.say(f"{clean(title)} as it was on {moment(stamp)}")
    _resumed(ahead)
    show.say_lines(wrap(_sum(ahead), after="  "))
    for step in ahead.steps:
        show.say_lines(wrap(_step(step), indent="  ", after="    "))
    _order(ahead)
    show.say(f"{count(ahead.files, 'file')} and {count(ahead.directories, 'directory', 'directories')}"
             f" would be written to {clean(str(known.to))}")
    them = "it" if len(ahead.taken) == 1 else "them"
    fate = "would be overwritten" if overwrite else f"there already, and only --overwrite replaces {them}"
    show.say_lines(_taken(fate, ahead.taken))
    show.say_lines(_taken("in the way, since one is a directory and the other is not", ahead.blocked))
    if ahead.former:
        show.say_lines(wrap(f"there is an interrupted restore of something else in it: {clean(ahead.former)}; only --fresh"
                            " forgets it", after="  "))
    show.say_lines(line for text in hindrances(ahead, str(known.to)) for line in wrap(text, after="  "))
    return 1 if refused(ahead, overwrite) or ahead.narrow else 0


def tell_json(work: Recovery, overwrite: bool) -> int:
    """The same as JSON."""
    ahead, known = work.forecast, work.result
    show.say_json({
        "to": str(known.to), "as_of": known.as_of, "files": ahead.files, "directories": ahead.directories,
        "bytes": ahead.size, "seconds": round(ahead.seconds, 3), "rate": round(ahead.rate), "measured": ahead.measured,
        "dumps": [{
            "host": step.dump.host, "disk": step.dump.disk, "datestamp": step.dump.datestamp, "level": step.dump.level,
            "bytes": step.size, "whole": step.whole} for step in ahead.steps],
        "order": [{"storage": stop.storage, "label": stop.label, "files": stop.files, "here": stop.here}
                  for stop in ahead.stops],
        "whole": ahead.whole, "former": ahead.former, "taken": ahead.taken, "blocked": ahead.blocked,
        "refused": refused(ahead, overwrite), "writes": ahead.writes, "free": ahead.free,
        "warnings": [*known.warnings, *hindrances(ahead, str(known.to))]})
    return 1 if refused(ahead, overwrite) or ahead.narrow else 0


def hindrances(ahead: Forecast, to: str) -> list[str]:
    """Why the target will not take all of it, each with its code and the next step."""
    from core.model.units import show_size

    found = [f"RST025 {why}: a restore would end at once and write nothing; name another directory with --to, or make that one"
             " writable" for why in ahead.hindered]
    if ahead.narrow:
        found.append(
            f"RST025 {to} has {show_size(ahead.free)} free, and about {show_size(ahead.writes)} would be written: a restore"
            " would end when it is full, and what is in its place by then stays; make room, or name another directory with"
            " --to")
    return found


def refused(ahead: Forecast, overwrite: bool) -> bool:
    """Whether a restore would not begin."""
    return bool(ahead.blocked or ahead.former or ahead.hindered or (ahead.taken and not overwrite))


def _resumed(ahead: Forecast) -> None:
    from core.report.text import count

    if ahead.whole:
        show.say(f"{count(ahead.whole, 'file')} from an interrupted restore of the same {'is' if ahead.whole == 1 else 'are'}"
                 " whole; the rest is restored")


def _sum(ahead: Forecast) -> str:
    from core.model.units import show_size
    from core.report.text import count, took

    volumes = f" on {count(ahead.volumes, 'volume')}" if ahead.volumes else ""
    by = f"as {count(ahead.measured, 'check')} did" if ahead.measured else "which is assumed; 'taperoom verify' measures it"
    return (f"to be read: about {show_size(ahead.size)} of {count(len(ahead.steps), 'dump')}{volumes}, in about"
            f" {took(ahead.seconds)} (at {show_size(ahead.rate)}/s, {by})")


def _step(step: Step) -> str:
    from core.model.units import show_size
    from core.report.text import name_of

    dump = step.dump
    parts = f", {step.parts} of its {step.of} parts" if step.parts < step.of else ""
    what = "the whole" if step.whole else "only what is needed"
    return (f"{name_of(dump.host, dump.disk)} level {dump.level} of {moment(dump.datestamp)}: {what}, {show_size(step.size)}"
            f"{parts}")


def _order(ahead: Forecast) -> None:
    from core.report.text import clean, wrap

    for number, stop in enumerate(ahead.stops, 1):
        show.say_lines(wrap(f"{number}. {_stop(stop)}", indent="  ", after="     "))
    if ahead.absent:
        names = ", ".join(clean(stop.label) for stop in ahead.absent)
        them = "it" if len(ahead.absent) == 1 else "them"
        show.say_lines(wrap(f"in no slot now: {names}; load {them}, or the restore asks when all others are read", after="  "))


def _stop(stop: Stop) -> str:
    from core.report.text import clean

    if not stop.storage:
        return f"holding file {clean(stop.label)}"
    word = "file" if len(stop.files) == 1 else "files"
    away = "" if stop.here else ", IN NO SLOT"
    return f"volume {clean(stop.label)} of storage {clean(stop.storage)}: {word} {runs(stop.files)}{away}"


def runs(numbers: Iterable[int]) -> str:
    """``3-5 9``: numbers as they come, those that follow each other as one."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return " ".join(str(first) if first == last else f"{first}-{last}" for first, last in found)


def _taken(what: str, names: tuple[str, ...]) -> list[str]:
    from core.report.text import clean, count, wrap

    if not names:
        return []
    more = " .." if len(names) > _NAMES else ""
    return wrap(f"{count(len(names), 'name')} {what}: {', '.join(clean(name) for name in names[:_NAMES])}{more}", after="  ")
