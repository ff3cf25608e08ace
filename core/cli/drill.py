"""`taperoom drill`: restores are rehearsed, so that the first one is not the one that matters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli import show, where
from core.cli.progress import ProgressLine

if TYPE_CHECKING:
    from core.model.site import Site
    from core.prove.drill import Drilled, Outcome, Progress
    from core.prove.history import Month

_AGAINST = {
    "frames": "with the checksums of each MiB when it was dumped",
    "native": "with the checksum of the whole when it was dumped",
    "stored": "only with the checksum of what was stored", "": "with nothing"}


def drill(
    names: Annotated[list[str] | None, typer.Argument(
        metavar="[HOST[:DISK]]...", help="Only these disks.", autocompletion=where.complete_disk)] = None,
    files: Annotated[int, typer.Option(
        "--files", metavar="N", min=0, show_default=False, help="Files of each disk; 10 unless [drill] says more.")] = 0,
    seed: Annotated[int, typer.Option(
        "--seed", metavar="N", show_default=False, help="Make the choice of an earlier drill again.")] = -1,
    scratch: Annotated[str, typer.Option("--scratch", metavar="DIR", help="Where to; it is emptied afterwards.")] = "",
    self_test: Annotated[bool, typer.Option("--self-test", help="Only prove that a drill can fail.")] = False,
    history: Annotated[bool, typer.Option("--history", help="Time to restore of each disk, month by month.")] = False,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> int:
    """Restore random files of each disk, and compare them.

    They are compared with checksums of the day when they were dumped, and the
    time is kept. A byte that is damaged on purpose must be found each time.

    \b
    Examples:
      taperoom drill
      taperoom drill web1:/home --files 50
      taperoom drill --self-test
      taperoom drill --history
    """
    import secrets

    from core.client.acts import who
    from core.model.units import show_size
    from core.prove.drill import Wish
    from core.prove.drill import drill as rehearse
    from core.prove.drill import self_test as prove_only

    site = where.site()
    if history:
        return _history(site, names or [], json)
    wish = Wish(tuple(names or ()), files or site.drill.files, seed if seed >= 0 else secrets.randbelow(1 << 31),
                scratch or site.drill.scratch, site.drill.limit * 1024)
    line = ProgressLine(silent=json)

    def draw(at: Progress) -> None:
        size = f" {show_size(at.done)}" if at.done else ""
        line.of_many(at.number, at.count, f"{at.title}: {at.doing}{size}")

    if not json:
        show.say(f"seed {wish.seed}")
        show.flush()
    try:
        outcome = prove_only(site, wish) if self_test else rehearse(
            site, wish, who(), draw, lambda drilled: _told(drilled, line, json))
    finally:
        line.erase()
    if json:
        show.say_json(_plain(outcome))
    else:
        _conclude(outcome, self_test)
    return 0 if outcome.good else 1


def _told(drilled: Drilled, line: ProgressLine, json: bool) -> None:
    from core.model.units import show_size
    from core.report.text import clean, count, took, wrap

    line.erase()
    if json:
        return
    word = drilled.outcome if drilled.outcome == "good" else drilled.outcome.upper()
    title = clean(f"{drilled.host}:{drilled.disk}")
    text = f"{word:<6}  {title}"
    if drilled.files:
        text += (f" of {drilled.datestamp}: {count(len(drilled.files), 'file')}, {show_size(drilled.size)}, restored in"
                 f" {took(drilled.seconds)}, {show_size(drilled.read)} read; compared {_AGAINST[drilled.against]}")
    show.say_lines(wrap(text, after=" " * 8))
    for sentence in (*drilled.faults, *drilled.warnings):
        show.say_lines(wrap(clean(sentence), indent=" " * 8, after=" " * 10))
    show.flush()


def _conclude(outcome: Outcome, alone: bool) -> None:
    from core.report.text import clean, count, wrap

    if not outcome.disks and not alone:
        show.say("no disk has a dump yet")
    for proof in outcome.proofs:
        what = f"self-test: {clean(proof.what)} was damaged on purpose and {'found' if proof.found else 'NOT FOUND'}"
        show.say_lines(wrap(what, after="  "))
    for text in (*outcome.faults, *outcome.warnings):
        show.tell(clean(text))
    failed = sum(bool(drilled.faults) for drilled in outcome.disks)
    if outcome.disks:
        show.say(f"{count(len(outcome.disks), 'disk')} drilled: {f'{failed} FAILED' if failed else 'all good'}")


def _plain(outcome: Outcome) -> dict[str, Any]:
    return {
        "good": outcome.good, "seed": outcome.seed,
        "disks": [{
            "host": d.host, "disk": d.disk, "datestamp": d.datestamp, "outcome": d.outcome, "files": d.files,
            "bytes": d.size, "read": d.read, "seconds": round(d.seconds, 3), "against": d.against, "faults": d.faults,
            "warnings": d.warnings} for d in outcome.disks],
        "self_test": [{"damaged": proof.what, "found": proof.found} for proof in outcome.proofs],
        "faults": outcome.faults, "warnings": outcome.warnings,
    }


def _history(site: Site, names: list[str], json: bool) -> int:
    from dataclasses import asdict

    from core.catalogue.checked import read_checks
    from core.errors import UsageError
    from core.prove.history import by_disk, months

    found = {key: drills for key, drills in by_disk(read_checks(site.state_dir).drills).items()
             if not names or key[0] in names or ":".join(key) in names}
    if names and not found:
        raise UsageError("CFG007", f"{', '.join(names)}: no disk of that name was ever drilled", "'taperoom drill' does it")
    if json:
        show.say_json([{"host": host, "disk": disk, "months": [asdict(month) for month in months(drills)],
                        "drills": [asdict(drill) | {"at": at} for at, drill in drills]}
                       for (host, disk), drills in found.items()])
        return 0
    if not found:
        show.say("nothing was drilled yet; 'taperoom drill' does it")
    for number, ((host, disk), drills) in enumerate(found.items()):
        if number:
            show.say()
        show.say_lines(_chart(host, disk, months(drills)))
    return 0


def _chart(host: str, disk: str, found: list[Month]) -> list[str]:
    from core.model.units import show_kib
    from core.prove.history import bar, slower
    from core.report.text import name_of, table, took

    most = max(month.seconds for month in found)
    rows = [[month.month, str(month.drills), str(month.failed or ""), took(month.seconds) if month.seconds else "-",
             f"{show_kib(month.rate)}/s" if month.rate else "", bar(month.seconds, most)] for month in found]
    lines = [f"{name_of(host, disk)}: time to restore, median of each month",
             *table(["month", "drills", "failed", "took", "read at", ""], rows, " rrrr", flexible=5, indent="  ")]
    if (times := slower(found)) >= 2:
        lines.append(f"  the last month took {times:.1f} times as long as those before it")
    return lines
