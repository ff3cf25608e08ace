"""`taperoom verify`: what is on volumes and holding disks is read again and compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli import show, where
from core.cli.progress import ProgressLine
from core.errors import UsageError

if TYPE_CHECKING:
    from core.prove.verify import Choice, Outcome, Progress, Verified


def verify(
    names: Annotated[list[str] | None, typer.Argument(
        metavar="[HOST[:DISK]]...", help="Only these disks.", autocompletion=where.complete_disk)] = None,
    volume: Annotated[str | None, typer.Option("--volume", metavar="LABEL", help="Only what is on this volume.")] = None,
    sample: Annotated[str | None, typer.Option("--sample", metavar="N%", help="Only so much of all bytes.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also what [verify] every does not ask for yet.")] = False,
    listed: Annotated[bool, typer.Option("--list", help="Read nothing; show when each copy was read last.")] = False,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> int:
    """Read stored dumps again and compare checksums and indexes.

    What was not read for the longest time comes first. With [verify] every =
    "30 days" only what is due is read. Nothing is written to a volume.

    \b
    Examples:
      taperoom verify
      taperoom verify --sample 5%
      taperoom verify --volume DAILY-007
      taperoom verify web1:/home
      taperoom verify --list
    """
    import time

    from core.client.acts import who
    from core.prove.targets import parse_share
    from core.prove.verify import Wish, choose
    from core.prove.verify import verify as read_again

    site = where.site()
    if listed:
        return _list(json)
    if volume is not None and not volume.strip():
        # As of a script whose variable was never set: it does not mean all volumes.
        raise UsageError("TAP018", f"{volume!r} is no label", "'taperoom tape list' shows the volumes")
    wish = Wish(volume or "", parse_share(sample) if sample is not None else 0.0, tuple(names or ()), everything)
    choice = choose(site, wish, time.time())
    line = ProgressLine(silent=json)

    def draw(at: Progress) -> None:
        line.of_bytes(at.done, at.total, f"{at.title}, {at.place}")

    def told(result: Verified) -> None:
        line.erase()
        if not json:
            _say(result)

    try:
        outcome = read_again(site, choice, who(), draw, told)
    finally:
        line.erase()
    if json:
        show.say_json(_plain(outcome))
    else:
        _conclude(outcome)
    return 0 if outcome.good else 1


def _say(result: Verified) -> None:
    from core.model.units import show_size
    from core.report.text import clean, wrap

    finding, target = result.finding, result.target
    took = f"{show_size(finding.size)} in {_took(result.seconds)}"
    compared = f"; compared: {', '.join(finding.compared)}" if finding.compared else ""
    word = finding.outcome if finding.outcome == "good" else finding.outcome.upper()
    show.say_lines(wrap(f"{word:<7}  {clean(target.title)}, {clean(target.place)}: {took}{compared}", after=" " * 9))
    for text in (*finding.faults, *finding.warnings):
        show.say_lines(wrap(clean(text), indent=" " * 9, after=" " * 11))
    show.flush()


def _conclude(outcome: Outcome) -> None:
    from core.model.units import show_duration, show_size
    from core.prove.targets import show_total
    from core.report.text import clean, count, moment, wrap

    for warning in (*outcome.warnings, *outcome.choice.notes):
        show.tell(clean(warning))
    bad = [result for result in outcome.results if result.finding.outcome != "good"]
    size = sum(result.finding.size for result in outcome.results)
    seconds = sum(result.seconds for result in outcome.results)
    if outcome.results:
        state = f"{len(bad)} NOT good" if bad else "all good"
        show.say(f"{count(len(outcome.results), 'copy', 'copies')} read, {show_size(size)} in {_took(seconds)}: {state}")
    elif not outcome.choice.elsewhere:
        next_due = outcome.choice.next_due
        show.say(f"nothing is due; the next copy is on {moment(next_due)}" if next_due else "there is nothing to verify")
    if outcome.gone:
        show.say(f"{count(len(outcome.gone), 'copy was', 'copies were')} flushed, removed or written anew meanwhile")
    if outcome.choice.elsewhere:
        labels = sorted({part.label for target in outcome.choice.elsewhere for part in target.parts})
        show.say_lines(wrap(f"VFY004 not read, since volumes are in no slot: {show_total(outcome.choice.elsewhere)}; "
                            f"load {clean(', '.join(labels))}", after="  "))
    rate = size / seconds if seconds else 0.0
    rest = outcome.choice.left
    if rest and rate:
        show.say(f"still to be read another time: {show_total(rest)}, about "
                 f"{show_duration(sum(target.size for target in rest) * 1024 / rate)}")


def _took(seconds: float) -> str:
    from core.report.text import took

    return took(seconds)


def _plain(outcome: Outcome) -> dict[str, Any]:
    choice: Choice = outcome.choice
    return {
        "good": outcome.good,
        "verified": [{
            "host": r.target.dump.host, "disk": r.target.dump.disk, "datestamp": r.target.dump.datestamp,
            "level": r.target.dump.level, "place": r.target.place, "outcome": r.finding.outcome,
            "compared": r.finding.compared, "bytes": r.finding.size, "seconds": round(r.seconds, 3), "at": r.at,
            "faults": r.finding.faults, "warnings": r.finding.warnings} for r in outcome.results],
        "elsewhere": [{"dump": target.title, "place": target.place} for target in choice.elsewhere],
        "gone": [target.title for target in outcome.gone],
        "left": len(choice.left), "next_due": choice.next_due, "warnings": [*outcome.warnings, *choice.notes],
    }


def _list(json: bool) -> int:
    import time

    from core.model.units import show_kib
    from core.prove.verify import ahead_of, standings
    from core.report.text import moment, name_of, table

    now = time.time()
    found = standings(where.site(), now)
    show.warn(ahead_of((one.target for one in found), now))
    if json:
        show.say_json([{
            "dump": one.target.title, "place": one.target.place, "kib": one.target.size, "at": one.target.at,
            "outcome": one.target.last.outcome if one.target.last else "", "due": one.due} for one in found])
        return 0
    rows = []
    for one in found:
        target = one.target
        place = "holding disk" if target.copy is None else " ".join(target.copy.labels)
        last = moment(target.at) if target.last else "never"
        word = target.last.outcome if target.last else ""
        rows.append([last, word if word in ("", "good") else word.upper(), "due" if one.due else "",
                     name_of(target.dump.host, target.dump.disk), str(target.dump.level), target.dump.datestamp,
                     show_kib(target.size), place])
    show.say_lines(table(["read last", "", "", "disk", "L", "dumped", "stored", "where"], rows, "    r r", flexible=3,
                         columns=show.columns()))
    return 0
