"""The morning report as text of 80 columns: what failed first, with its reason once and what to do.

A function of the run's view and of `Background`; `core.report.data` says the same as JSON.  A disk that was dumped after
all is not under the failures, however many attempts it took.
"""

from __future__ import annotations

import shlex

from core.codes import lookup
from core.events.gauges import Gauges
from core.events.view import DiskState, DiskView, RunView, VolumeView
from core.model.units import show_duration, show_kib
from core.report.background import NOTHING, Background
from core.report.text import WIDTH, clean, clock, count, moment, name_of, pad, rate, table, took, width, wrap
from core.report.waits import waited, waiting_now

_STRANGE_LINES = 5
_OVERCOME_LINES = 20
_COVERAGE_LINES = 20
_NAME = 22


def report_text(view: RunView, background: Background = NOTHING, gauges: Gauges | None = None) -> str:
    """The report of a run, finished or not; ``gauges`` of one that lives tell what it waits for."""
    if view.began is None:
        return "This run has written nothing; there is nothing to report.\n"
    gauges = gauges or Gauges()
    blocks = [
        _head(view), _failures(view), waiting_now(view, gauges), _left(view), _troubles(view),
        _overcome(view), _strange(view),
        _disks(view), _flushes(view), _volumes(view, background), _requests(view, gauges), waited(view),
        _coverage(view, background), _proof(background),
    ]
    return "\n\n".join("\n".join(clean(line.rstrip()) for line in block) for block in blocks if block) + "\n"


def verdict(view: RunView) -> str:
    """The run in a few words."""
    if view.ended is None:
        return "NOT FINISHED"
    if view.ended.code == 0:
        return "ALL WELL"
    return "STOPPED" if view.ended.code == 3 else "NEEDS ATTENTION"


def _head(view: RunView) -> list[str]:
    assert view.began is not None
    began = view.began
    title = f"TAPEROOM {clean(began.org)}  report of run {began.datestamp}"
    lines = [pad(title, WIDTH - len(verdict(view))) + verdict(view), "=" * WIDTH]
    times = f"{moment(view.began_at)}, by {clean(began.by)}"
    if view.ended is not None:
        times = f"{moment(view.began_at)} to {clock(view.ended_at)} ({took(view.ended_at - view.began_at)})"
        times += f", by {clean(began.by)}"
    done = [d for d in view.disks.values() if d.state in (DiskState.DONE, DiskState.STRANGE)]
    words = [f"{n} {word}" for state, word in (
        (DiskState.FAILED, "FAILED"), (DiskState.DONE, "done"), (DiskState.STRANGE, "strange"),
        (DiskState.SKIPPED, "skipped")) if (n := view.count(state))]
    other = len(view.disks) - view.count(DiskState.FAILED, DiskState.DONE, DiskState.STRANGE, DiskState.SKIPPED)
    words += [f"{other} not finished"] if other else []
    lines += [times, f"{count(len(view.disks), 'disk')}: {', '.join(words) or 'nothing was dumped'}"]
    if done:
        orig, size = sum(d.orig or d.size for d in done), sum(d.size for d in done)
        fulls = sum(1 for d in done if d.level == 0)
        lines.append(f"{show_kib(orig)} read, {show_kib(size)} stored; {count(fulls, 'full')}, {len(done) - fulls} incremental")
    return lines


def _failures(view: RunView) -> list[str]:
    """Disks that have no backup of this run, those with one reason together."""
    reasons: dict[tuple[str, str], list[DiskView]] = {}
    for disk in view.disks.values():
        if disk.state is DiskState.FAILED:
            reasons.setdefault((disk.host, disk.message), []).append(disk)
    if not reasons:
        return []
    lines = [f"FAILED ({view.count(DiskState.FAILED)})"]
    for (host, message), disks in reasons.items():
        names = ", ".join(name_of(host, disk.disk) for disk in disks[:8])
        more = f" and {len(disks) - 8} more" if len(disks) > 8 else ""
        lines += wrap(names + more, indent="  ", after="    ")
        for number, piece in enumerate((message or "no reason was given").split("\n")):
            lines += wrap(piece, indent=" " * 12 if number else "      why:  ", after=" " * 12)
        again = f"taperoom run {shlex.quote(disks[0].title if len(disks) == 1 else host)}"
        remedy = _remedy(message)
        text = f"{remedy} Then {again}" if remedy else f"{again} (the next run tries it, too)"
        lines += wrap(text, indent="      do:   ", after="            ")
    return lines


def _remedy(message: str) -> str:
    page = lookup(message.partition(" ")[0]) if message[:3].isupper() else None
    return page.action if page else ""


def _left(view: RunView) -> list[str]:
    files = [entry for entry in view.files.values() if entry[:3]]
    if not files or view.ended is None:
        return []
    size = sum(size for *_, size in files)
    lines = [f"ON THE HOLDING DISK ({count(len(files), 'dump')}, {show_kib(size)}) - not on a volume yet"]
    for host, disk, stamp, level, kib in files[:10]:
        lines.append(f"  {name_of(host, disk, 44)} level {level} of {stamp}, {show_kib(kib)}")
    lines += [f"  ... and {len(files) - 10} more"] if len(files) > 10 else []
    for storage, reason in view.degraded.items():
        lines += wrap(f"storage {storage}: {reason}", indent="      why:  ", after="            ")
    first = "give it a volume that may be written, then " if view.degraded else ""
    return [*lines, *wrap(f"{first}taperoom flush (the next run does it too, unless autoflush = false)", indent="      do:   ",
                          after="            ")]


def _troubles(view: RunView) -> list[str]:
    lines = [line for _, death in view.deaths for line in wrap(
        ": ".join([f"{death.code}E {death.child} died", death.status, *death.tail.strip().splitlines()[-1:]]),
        indent="  ", after="    ")]
    seen: set[tuple[str, str, str]] = set()
    for _, notice in view.notices:
        key = (notice.code, notice.subject, notice.text)
        if key not in seen:
            seen.add(key)
            lines += wrap(f"{notice.code}{notice.severity} {notice.subject}: {notice.text}", indent="  ", after="    ")
    if not view.files:
        for storage, reason in view.degraded.items():
            lines += wrap(f"storage {storage} took nothing: {reason}", indent="  ", after="    ")
    return ["NOTES", *lines] if lines else []


def _overcome(view: RunView) -> list[str]:
    """What went wrong on the way with disks that have a backup nevertheless, the same trouble of several together."""
    reasons: dict[tuple[str, str], dict[str, None]] = {}
    for _, host, disk, text in view.setbacks:
        if (found := view.disks.get((host, disk))) is None or found.state is not DiskState.FAILED:
            reasons.setdefault((host, text), {})[name_of(host, disk)] = None
    lines: list[str] = []
    for (_, text), disks in list(reasons.items())[:_OVERCOME_LINES]:
        more = f" and {len(disks) - 3} more" if len(disks) > 3 else ""
        lines += wrap(f"{', '.join(list(disks)[:3])}{more}: {clean(text)}", indent="  ", after="    ")
    if len(reasons) > _OVERCOME_LINES:
        lines.append(f"  ... and {len(reasons) - _OVERCOME_LINES} more")
    return ["ON THE WAY - what went wrong, and was tried again", *lines] if lines else []


def _strange(view: RunView) -> list[str]:
    lines: list[str] = []
    for disk in view.disks.values():
        if disk.strange and disk.state is not DiskState.FAILED:
            said = [clean(line.rstrip()) for line in disk.strange.splitlines() if line.strip()]
            lines.append(f"  {name_of(disk.host, disk.disk, 70)} (the dump is good)")
            lines += [line for text in said[:_STRANGE_LINES] for line in wrap(text, indent="      ", after="        ")]
            lines += [f"      ... and {len(said) - _STRANGE_LINES} more lines"] if len(said) > _STRANGE_LINES else []
    return ["STRANGE - what clients said while they were dumped", *lines] if lines else []


def _disks(view: RunView) -> list[str]:
    """A line for each disk, and one more for each further volume that holds it."""
    if not view.disks:
        return []
    columns = min(max(width(name_of(d.host, d.disk)) for d in view.disks.values()), _NAME)
    lines = [f"  {pad('disk', columns)}  L    stored  ratio     time        rate  where"]
    for key in sorted(view.disks):
        disk = view.disks[key]
        name = pad(name_of(disk.host, disk.disk, columns), columns)
        level = str(disk.level) if disk.level >= 0 else "-"
        if disk.state in (DiskState.FAILED, DiskState.SKIPPED) or (not disk.size and not disk.ended):
            lines.append(f"  {name}  {level:>1}         -      -        -           -  {disk.state.value}")
            continue
        ratio = f"{disk.size * 100 / disk.orig:.0f}%" if disk.orig else "-"
        speed = rate(disk.orig or disk.size, disk.seconds) if disk.seconds >= 0.05 else "-"
        figures = f"{level:>1}  {show_kib(disk.size):>8}  {ratio:>5}  {took(disk.seconds):>7}  {speed:>10}"
        first, *others = where(disk)
        lines.append(f"  {name}  {figures}  {first}")
        lines += [" " * (columns + 44) + other for other in others]
    return ["DISKS", *lines]


def where(disk: DiskView) -> list[str]:
    """``DAILY-001:3-7``, volume and files, for each volume; ``holding disk`` while it is on none."""
    spans: dict[str, list[int]] = {}
    for _, label, fileno in disk.parts:
        spans.setdefault(clean(label), []).append(fileno)
    shown = [f"{label}:{min(files)}" + (f"-{max(files)}" if len(files) > 1 else "") for label, files in spans.items()]
    return shown or ["holding disk" if disk.file else "-"]


def _flushes(view: RunView) -> list[str]:
    written = [w for w in view.writes.values()
               if w.outcome == "done" and view.began is not None and w.datestamp != view.began.datestamp]
    if not written:
        return []
    rows = [[name_of(w.host, w.disk), w.datestamp, str(w.level), show_kib(w.written), w.storage] for w in written]
    return ["FLUSHED - dumps of earlier runs that are on volumes now",
            *table(["disk", "dumped", "L", "stored", "storage"], rows, "  rr ", indent="  ")]


def _volumes(view: RunView, background: Background) -> list[str]:
    lines: list[str] = []
    if view.volumes:
        rows = [[v.storage, v.label, show_kib(v.size), str(v.parts), _fill(v, background)] for v in view.volumes]
        lines += ["VOLUMES", *table(["storage", "volume", "written", "parts", "full"], rows, "  rrr", indent="  ")]
    for storage, labels in background.next_volumes.items():
        shown = ", ".join(clean(label) for label in labels) or "NONE: every volume is still needed"
        lines += wrap(f"next in {storage}: {shown}", indent="  ", after="      ")
    for sentence in background.bring:
        lines += wrap(sentence, indent="  bring: ", after="         ")
    return lines if view.volumes or not lines else ["VOLUMES", *lines]


def _fill(volume: VolumeView, background: Background) -> str:
    capacity = background.capacity.get(volume.storage, 0)
    return f"{min(100, volume.size * 100 // capacity)}%" if capacity else "-"


def _requests(view: RunView, gauges: Gauges) -> list[str]:
    if not view.questions:
        return []
    lines = ["REQUESTS"]
    for number, question in view.questions.items():
        q = question.asked if question.closed else gauges.as_of_now(question.asked)
        said = f"{question.choice} {question.argument}".strip()
        end = f"answered {said} by {question.by} at {clock(question.closed)}"
        if not said:
            stopped = 0 < view.stopped_at <= question.closed
            end = f"withdrawn: {'the run was stopped' if stopped else 'the world answered'}"
        if not question.closed:
            end = f"open; {q.default} at {clock(q.deadline)}"
        lines += wrap(f"{number}  {clock(question.opened)}  {q.code}{q.severity}  {q.subject}: {end}", WIDTH, "  ", "     ")
        if q.severity in ("A", "D"):
            lines += wrap(q.said, WIDTH, "     asked: ", "            ")
            effect = next((c.effect for c in q.choices if c.name == (question.choice or q.default)), "")
            if effect and (said or not question.closed):
                lines += wrap(effect, WIDTH, "     means: ", "            ")
    return lines


def _proof(background: Background) -> list[str]:
    if not background.proof:
        return []
    rest = len(background.proof) - _COVERAGE_LINES
    lines = ["PROOF - what 'taperoom verify' and 'taperoom drill' found"]
    for sentence in background.proof[:_COVERAGE_LINES]:
        lines += wrap(sentence, WIDTH, "  ", "    ")
    return lines + ([f"  ... and {rest} more"] if rest > 0 else [])


def _coverage(view: RunView, background: Background) -> list[str]:
    if not background.disks:
        return []
    good = {d: view.disks[d].began or view.began_at for d in view.disks
            if view.disks[d].state in (DiskState.DONE, DiskState.STRANGE)}
    never = [key for key in background.disks if key not in good and key not in background.last_good]
    age = {key: background.now - max(good.get(key, 0.0), background.last_good.get(key, 0.0))
           for key in background.disks if key not in never}
    old = sorted((key for key in age if age[key] > background.overdue_after), key=lambda key: -age[key])
    lines = ["COVERAGE - age of the last good backup"]
    fine = len(background.disks) - len(never) - len(old)
    if fine:
        oldest = max(age[key] for key in age if key not in old)
        most = f"not older than {show_duration(oldest)}" if oldest >= 60 else "made just now"
        lines.append(f"  {count(fine, 'disk')} of {len(background.disks)}: {most}")
    rows = [f"  {pad(name_of(*key, 50), 50)}  NEVER" for key in never]
    rows += [f"  {pad(name_of(*key, 50), 50)}  {show_duration(age[key])} OLD" for key in old]
    rest = len(rows) - _COVERAGE_LINES
    return lines + rows[:_COVERAGE_LINES] + ([f"  ... and {rest} more"] if rest > 0 else [])
