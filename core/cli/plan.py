"""`taperoom plan`: tonight's plan without running it, the coming nights, and why a disk is dumped as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli import show, where

if TYPE_CHECKING:
    from core.model.site import Site
    from core.protocol.planner import DumpLine, Said


def plan(
    disks: Annotated[list[str] | None, typer.Argument(
        metavar="HOST[:DISK]", help="Only these.", autocompletion=where.complete_disk)] = None,
    nights: Annotated[int, typer.Option("--nights", min=0, max=366, metavar="N", help="Coming nights, from history.")] = 0,
    explain: Annotated[str, typer.Option(
        "--explain", metavar="HOST:DISK", help="Why this disk is dumped so.", autocompletion=where.complete_disk)] = "",
    offline: Annotated[bool, typer.Option("--offline", help="Ask no client; sizes come from history.")] = False,
    beside: Annotated[str, typer.Option(
        "--beside", metavar="DIR", help="Amanda's configuration there: its plan and ours, side by side.")] = "",
    ask: Annotated[bool, typer.Option("--ask", help="With --beside: ask the clients for sizes.")] = False,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> int:
    """Tonight's plan without running it, and why it is so.

    \b
    Examples:
      taperoom plan
      taperoom plan --nights 14
      taperoom plan --explain db2:/var
      taperoom plan --beside /etc/amanda/daily
    """
    if beside:
        from core.cli import shadow

        return shadow.beside(beside, ask=ask, json=json)
    from core.client.runs import permitted

    site = where.site()
    permitted(site.state_dir, history=True)  # else every disk would be planned as if it had never been dumped
    if nights:
        return _nights(site, disks or [], nights, json)
    wanted = disks or []
    where.matching(site, [explain] if explain else wanted)
    said = _ask_planner(site, [] if explain else wanted, offline)  # a disk's level depends on all the others
    if json:
        show.say_json([_plain(line) for line in said if type(line).__name__ in ("DumpLine", "Skip", "Flush")])
    elif explain:
        _explain(site, explain, said)
    else:
        _table(said)
    return 0


def _ask_planner(site: Site, wanted: Sequence[str], offline: bool) -> list[Said]:
    """What the planner says when it is run by hand; who is asked shows on a terminal, that it knows no history everywhere.

    StartError RUN010.
    """
    import os
    import subprocess
    import sys

    from core.errors import StartError, UsageError
    from core.protocol import planner

    words = [sys.executable, "-P", "-m", "core.planner", str(site.file), "--dry-run"]
    words += ["--offline"] if offline else []
    asked: set[str] = set()
    said: list[Said] = []
    with subprocess.Popen([*words, "--", *wanted], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=dict(os.environ)) as child:
        assert child.stdout is not None and child.stderr is not None
        for line in child.stdout:
            said.append(planner.decode(line.rstrip(b"\n")))
            _progress(said[-1], asked)
        tail = child.stderr.read().decode("utf-8", "backslashreplace").strip()
        code = child.wait()
    if sys.stderr.isatty() and asked:
        sys.stderr.write("\r\x1b[K")
    if code == 2:
        raise UsageError("CFG006", tail.splitlines()[-1] if tail else "the planner refused", "")
    if code not in (0, 1):
        raise StartError("RUN010", f"the planner ended with status {code}: {(tail.splitlines() or [''])[-1]}")
    for sentence in tail.splitlines():
        if sentence.startswith("planner: PLN008 "):
            show.tell(sentence.removeprefix("planner: "))
    return said


def _progress(said: Said, asked: set[str]) -> None:
    import sys

    from core.protocol import planner
    from core.report.text import clean, cut

    if isinstance(said, planner.Estimating):
        asked.add(said.host)
    elif isinstance(said, planner.Estimate | planner.NoEstimate):
        asked.discard(said.host)
    else:
        return
    if sys.stderr.isatty():
        text = cut(f"asking {', '.join(sorted(clean(host) for host in asked))}", 78) if asked else ""
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


def _table(said: Sequence[Said]) -> None:
    from core.model.units import show_duration, show_kib, show_priority
    from core.protocol import planner
    from core.report.text import count, name_of, table, wrap

    dumps = [line for line in said if isinstance(line, planner.DumpLine)]
    rows = [[name_of(d.host, d.disk), str(d.level), show_kib(d.size), show_duration(d.seconds),
             show_priority(d.priority, d.why), d.why] for d in dumps]
    if rows:
        show.say_lines(table(["disk", "L", "size", "time", "pri", "why"], rows, " rrrr ", columns=show.columns()))
    fulls = [d for d in dumps if d.level == 0]
    total = show_kib(sum(d.size for d in dumps))
    show.say(f"{count(len(dumps), 'dump')}, {count(len(fulls), 'full')}, {total} in all")
    for line in said:
        match line:
            case planner.Skip(host, disk, message, fail):
                word = "CANNOT BE DUMPED" if fail else "skipped"
                show.say_lines(wrap(f"{word}: {name_of(host, disk)}: {message}", after="    "))
            case planner.Flush(host, disk, stamp, level, _):
                show.say(f"to flush first: {name_of(host, disk)} level {level} of {stamp}")
            case _:
                pass


def _explain(site: Site, name: str, said: Sequence[Said]) -> None:
    from core.catalogue.history import load_history
    from core.model.units import show_duration, show_kib
    from core.protocol import planner
    from core.report.text import clean, moment, table

    disk = where.one_disk(site, name)
    for line in said:
        match line:
            case planner.DumpLine() if (line.host, line.disk) == disk.key:
                show.say(f"{clean(name)}: level {line.level} tonight, {show_kib(line.size)}")
                show.say(f"  why: {clean(line.why) or 'the plan gives no reason'}")
                if line.plan_b is not None:
                    show.say(f"  without a volume: level {line.plan_b.level}, {show_kib(line.plan_b.size)}")
            case planner.Skip(host, dir_, message, _) if (host, dir_) == disk.key:
                show.say(f"{clean(name)}: not dumped tonight\n  why: {clean(message)}")
            case planner.Estimate(host, dir_, level, size) if (host, dir_) == disk.key:
                show.say(f"  the client says: level {level} has {show_kib(size)}")
            case planner.NoEstimate(host, dir_, message) if (host, dir_) == disk.key:
                show.say(f"  the client has no size: {clean(message)}")
            case _:
                pass
    history = load_history(site).get(disk.key)
    if history is None or not history.recent:
        show.say("  it was never dumped")
        return
    rows = [[str(stat.level), moment(stat.date), show_kib(stat.csize), show_duration(stat.seconds),
             " ".join(stat.labels) or "holding disk"] for stat in history.recent[:10]]
    show.say_lines(["", *table(["L", "dumped", "stored", "time", "where"], rows, "r rr ", indent="  ")])


def _nights(site: Site, names: Sequence[str], nights: int, json: bool) -> int:
    import time

    from core.catalogue.history import load_history
    from core.model.units import show_kib
    from core.planning.forecast import forecast
    from core.report.text import moment, table

    found = forecast(site, where.matching(site, names), load_history(site), time.time(), nights)
    if json:
        show.say_json([
            {"at": night.at, "full_kib": night.plan.full_kib, "incremental_kib": night.plan.incremental_kib,
             "dumps": [_plain(line) for line in night.plan.dumps], "skips": [_plain(skip) for skip in night.plan.skips]}
            for night in found])
        return 0
    rows = []
    for night in found:
        fulls = [line for line in night.plan.dumps if line.level == 0]
        volumes = ", ".join(f"{use.storage} {use.volumes}" for use in night.plan.uses)
        names_of = " ".join(f"{line.host}:{line.disk}" for line in fulls)
        rows.append([moment(night.at)[:10], str(len(night.plan.dumps)), str(len(fulls)), show_kib(night.plan.full_kib),
                     show_kib(night.plan.incremental_kib), volumes, names_of])
    heads = ["night", "dumps", "full", "fulls", "incrementals", "volumes", "fulls of"]
    show.say_lines(table(heads, rows, " rrrr  ", columns=show.columns(), flexible=6))
    show.say("From history, as if each night went well and nothing grew.")
    return 0


def _plain(line: Said | DumpLine) -> dict[str, Any]:
    from dataclasses import asdict

    return {"kind": type(line).__name__} | asdict(line)
