"""One screen of text: where a run stands (`taperoom status`).

What needs a person stands first, then what moves, then what waits and why.  Nothing is left out without saying how
much.
"""

from __future__ import annotations

from core.events.gauges import Gauges
from core.events.room import taken
from core.events.view import DiskState, DiskView, RunView
from core.model.units import show_duration, show_kib
from core.report.progress import of_disk, of_run
from core.report.text import WIDTH, clean, clock, count, cut, moment, name_of, pad, width, wrap
from core.report.waits import act_by, beside_the_rest, full_in, why_waits

_NAME = 26
_SHOWN = 6
"""Lines of one kind before the rest is only counted."""
_WAITS = (DiskState.PLANNED, DiskState.HELD, DiskState.STALLED, DiskState.RETRY)


def status_text(view: RunView, gauges: Gauges, now: float, alive: bool, shown: int = _SHOWN) -> str:
    """The screen, lines of at most 80 columns; ``alive`` tells whether the driver still runs."""
    if view.began is None:
        return "The run has written nothing yet.\n" if alive else (
            "RUN023E NOT RUNNING: the run ended before it wrote anything; 'taperoom cleanup' tidies up after it\n")
    if not alive:  # nothing moves, so nothing has a rate or an end; how far the dumps came is still worth telling
        gauges, now = Gauges(gauges.at, gauges.progress), 0.0
    lines = [*_head(view, now, alive), *_totals(view, gauges, now, alive), *_media(view, gauges, now),
             *_requests(view, gauges, alive)]
    for title, states, limit in (
        ("NO-ROOM", (DiskState.STALLED,), 1000),
        ("DUMPING", (DiskState.DUMPING,), 1000),
        ("FAILED", (DiskState.FAILED,), shown),
        ("TRY-AGAIN", (DiskState.RETRY,), shown),
        ("STRANGE", (DiskState.STRANGE,), shown),
        ("WAITING", (DiskState.PLANNED, DiskState.HELD), shown),
        ("ON HOLDING DISK", (DiskState.DUMPED, DiskState.WRITING), shown),
    ):
        disks = [disk for disk in view.disks.values() if disk.state in states]
        if states == (DiskState.RETRY,):
            disks.sort(key=lambda disk: (disk.retry_after, disk.title))
        if disks:
            lines += ["", f"{title} ({len(disks)})", *_rows(view, gauges, now, disks, limit)]
    return "\n".join(clean(line.rstrip()) for line in lines) + "\n"


def _head(view: RunView, now: float, alive: bool) -> list[str]:
    assert view.began is not None
    began = view.began
    lines = [f"TAPEROOM {clean(began.org)}  run {began.datestamp}, began {moment(view.began_at)} by {clean(began.by)}"]
    if view.ended is not None:
        took = show_duration(view.ended_at - view.began_at)
        lines.append(f"ended {moment(view.ended_at)} after {took}, exit code {view.ended.code}")
        lines += [line for _, notice in view.notices if notice.code == "RUN040"
                  for line in wrap(f"{notice.code}{notice.severity} {notice.text}", after="  ")]
    elif not alive:
        lines.append("RUN023E NOT RUNNING: the run ended without a last word; 'taperoom cleanup' tidies up after it")
    else:
        state = "live" if view.planned else "estimating"
        if view.stopping or view.paused:
            state = "RUN048W stopping" if view.stopping else "RUN047W PAUSED"
        by = clean(view.stopping or view.paused)
        lines.append(f"{state}{f' by {by}' if by else ''} for {show_duration(max(0.0, now - view.began_at))}")
    return lines


def _totals(view: RunView, gauges: Gauges, now: float, alive: bool) -> list[str]:
    order = [DiskState.FAILED, DiskState.STALLED, DiskState.DUMPING, DiskState.WRITING, DiskState.DUMPED, DiskState.RETRY,
             DiskState.HELD, DiskState.PLANNED, DiskState.ESTIMATING, DiskState.STRANGE, DiskState.DONE,
             DiskState.SKIPPED]
    states = [f"{number} {state.value}" for state in order if (number := view.count(state))]
    nothing = "none planned yet" if view.live and alive else "none was to be dumped"
    lines = wrap(f"{count(len(view.disks), 'disk')}: {', '.join(states) or nothing}", after="    ")
    if view.estimating and view.live and alive:
        lines += wrap(f"asking for sizes: {', '.join(sorted(view.estimating))}")
    run = of_run(view, gauges, now)
    percent = f" ({run.percent}%)" if run.percent is not None else ""
    line = f"dumped {show_kib(run.dumped)} of {show_kib(run.planned)}{percent}"
    if run.to_write:
        line += f", on volumes {show_kib(run.written)} of {show_kib(run.to_write)}"
    if view.live and run.rate:
        line += f", {show_kib(run.rate)}/s"
    if run.left is not None:
        line += f", all dumped at about {clock(now + run.left)}"
    return [*lines, *wrap(line, after="    ")]


def _media(view: RunView, gauges: Gauges, now: float) -> list[str]:
    lines: list[str] = []
    for path in view.holding:
        free, _, files = gauges.holding.get(path, (0, 0, 0))
        # The last gauge of a run that ended was taken before its last dump was on a volume.
        measured = view.live and path in gauges.holding
        used = f", {show_kib(files)} of dumps, {show_kib(free)} free" if measured else ""
        most = taken(view, gauges if measured else Gauges(), path)[1]
        lines.append(cut(f"holding {clean(path)}: {show_kib(most)} to use{used}{full_in(gauges, path, now)}", 80))
    for taper in view.tapers.values():
        label = clean(taper.label or taper.next_label)
        line = f"{taper.child} {taper.storage}: {taper.state}"
        if taper.label:
            line += f", {label} holds {show_kib(taper.volume_size)} in {count(taper.volume_parts, 'part')}"
        elif label:
            line += f", next volume {label}"
        write = view.writes.get(taper.handle)
        if write is not None:
            line += f", writes {name_of(write.host, write.disk, _NAME)}"
        why = gauges.tapers.get(taper.child, ("", 0.0))[0] if view.live else ""
        why = taper.message if taper.state == "down" else why or taper.message
        if why and view.degraded.get(taper.storage) == why:
            why = ""  # its line follows
        why = beside_the_rest(why, view)
        lines += wrap(f"{line}: {why}" if why else line, after="  ")
    if view.live and gauges.act[1]:
        lines += wrap(f"{act_by(gauges)}: {gauges.act[1]}", after="  ")
    for storage, reason in view.degraded.items():
        lines += wrap(f"DEGRADED: storage {storage} takes nothing: {reason}", after="  ")
    return lines


def _requests(view: RunView, gauges: Gauges, alive: bool) -> list[str]:
    asked = view.open_questions
    if not asked:
        return []
    if not alive:
        return ["", f"REQUESTS ({len(asked)} not answered; nobody waits for an answer any more)",
                *(line for q in asked for line in wrap(
                    f"{q.asked.id}  {q.asked.code}{q.asked.severity}  {q.asked.subject}: {q.asked.said}",
                    indent="  ", after="     "))]
    lines = ["", f"REQUESTS ({len(asked)} open; answer with 'taperoom reply NUMBER CHOICE')"]
    for question in asked:
        q = gauges.as_of_now(question.asked)
        lines += wrap(f"{q.id}  {q.code}{q.severity}  {q.subject}: {q.said}", indent="  ", after="     ")
        choices = " | ".join(c.name + (f" {c.argument}" if c.argument else "") for c in q.choices)
        lines.append(f"     [{clean(choices)}]  {clean(q.default)} at {clock(q.deadline)}")
    return lines


def _rows(view: RunView, gauges: Gauges, now: float, disks: list[DiskView], limit: int) -> list[str]:
    """A line for each of the first disks; a long reason that several of them share stands once, above them."""
    told = [(disk, *_figures(view, disk, gauges, now)) for disk in disks]
    groups: dict[str, list[tuple[DiskView, str]]] = {}
    for disk, figures, why in told:
        groups.setdefault(why, []).append((disk, figures))
    shared = {why for why, group in groups.items() if len(group) > 1 and any(
        width(_line(disk, figures, why)) > WIDTH for disk, figures in group)}
    lines: list[str] = []
    room = limit
    for disk, figures, why in told:
        if room <= 0:
            break
        if why not in shared:
            lines += _row(disk, figures, why)
            room -= 1
        elif group := groups.pop(why, None):  # at the place of the first of them
            lines += wrap(f"{len(group)} disks: {why}", indent="  ", after="      ")
            for one, its in group[:room]:
                lines += _row(one, its, "", "    ")
            room -= len(group[:room])
    if len(disks) > limit:
        lines.append(f"  ... and {len(disks) - limit} more")
    return lines


def _line(disk: DiskView, figures: str, why: str, indent: str = "  ") -> str:
    name = pad(name_of(disk.host, disk.disk, _NAME), _NAME)
    level = f"L{disk.level}" if disk.level >= 0 else "  "
    joint = ": " if disk.state is DiskState.RETRY else ", "
    return f"{indent}{name} {level:<3} {joint.join(filter(None, (figures, why)))}"


def _row(disk: DiskView, figures: str, why: str, indent: str = "  ") -> list[str]:
    line = _line(disk, figures, why, indent)
    if disk.state not in _WAITS or len(line) <= WIDTH:
        return [cut(line, WIDTH)]
    first = wrap(line)[0]
    return [first, *wrap(line[len(first):].strip(), indent="      ")]  # the end says when it lifts


def _figures(view: RunView, disk: DiskView, gauges: Gauges, now: float) -> tuple[str, str]:
    """How far it is, and why it is there."""
    match disk.state:
        case DiskState.DUMPING | DiskState.STALLED:
            at = of_disk(disk, gauges, now)
            text = f"{show_kib(at.done)} of {show_kib(at.total)}"
            text += f" {at.percent}%" if at.percent is not None else ""
            if disk.state is DiskState.STALLED:
                return text, clean(beside_the_rest(why_waits(disk, gauges), view))
            text += f", {show_kib(at.rate)}/s" if at.rate else ""
            return f"{text}, {show_duration(at.left)} left" if at.left is not None else text, ""
        case DiskState.RETRY:
            tries = f"attempt {disk.attempt} of {disk.attempts}, " if disk.attempt else ""
            return f"{tries}again at {clock(disk.retry_after)}", clean(disk.message)
        case DiskState.PLANNED | DiskState.HELD:
            why = beside_the_rest(why_waits(disk, gauges), view)
            return show_kib(disk.estimate), clean(why or disk.state.value)
        case DiskState.STRANGE:
            return "", clean(next((line for line in disk.strange.splitlines() if line.strip()), disk.message))
        case DiskState.WRITING:
            return show_kib(disk.size), "is being written"
        case DiskState.DUMPED:
            why = beside_the_rest(why_waits(disk, gauges), view)
            return show_kib(disk.size), clean(why or "waits for a taper")
        case _:
            return "", clean(disk.message)
