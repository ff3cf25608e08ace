"""The planner's evening, in order: flushes first, so that they may start, then the clients, then the plan.

Speaks only from the caller's thread, one whole line at a time.  Does not know why a disk is planned as it is
(`core.planning`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, assert_never

from core.config.load import load_site
from core.model.disk import Disk
from core.model.site import Site
from core.model.units import Kib, datestamp_of, seconds_of_datestamp
from core.planner import leftovers
from core.planner.arguments import Arguments, parse, select
from core.planning.levels import Standing
from core.planning.plan import Plan, plan, stand_all, to_ask, totals
from core.planning.sizing import Answer
from core.protocol import planner

Key = tuple[str, str]


@dataclass(slots=True)
class Night:
    """One call of the planner."""

    site: Site
    disks: tuple[Disk, ...]
    arguments: Arguments
    datestamp: str
    out: BinaryIO
    log: Callable[[str], None]
    answers: dict[Key, Answer] = field(default_factory=dict)
    lines: int = 0
    """written so far"""

    @classmethod
    def begin(cls, words: Sequence[str], out: BinaryIO, log: Callable[[str], None], now: float) -> Night:
        """Read arguments and configuration.  UsageError when they are wrong."""
        arguments = parse(words)
        site = load_site(arguments.config)
        disks = select(site, arguments.wanted)
        return cls(site, disks, arguments, arguments.datestamp or datestamp_of(now), out, log)

    def run(self) -> int:
        """Write the plan; the exit code."""
        self._say(planner.Date(self.datestamp))
        flushing, flushes = self._flush()
        if self.arguments.no_dump:
            self._close()
            return self._end(flushes > 0, "no dump waits on the holding disk")
        now = seconds_of_datestamp(self.datestamp)
        history, held = leftovers.histories(self.site, self.log), leftovers.held(self.site)
        standings = stand_all(self.disks, history, now, held)
        tidy = None if self.arguments.offline else self._ask(standings)
        found = plan(self.site, standings, self.answers, flushing)
        self._tell(found)
        self._close()  # the driver goes on while clients are put away
        if tidy is not None:
            tidy()
        useful = bool(flushes or found.dumps or any(skip.fail for skip in found.skips))
        return self._end(useful, "no disk is to be dumped, no dump waits on the holding disk")

    def _end(self, useful: bool, why: str) -> int:
        if not useful:
            self.log(f"PLN002 nothing to do: {why}")
        return 0 if useful else 1

    def _close(self) -> None:
        self._say(planner.EndPlan(self.lines))
        self.out.close()

    def _say(self, said: planner.Said) -> None:
        self.out.write(planner.encode(said))
        self.out.flush()
        self.lines += 1

    def _flush(self) -> tuple[dict[str, int], int]:
        """Say what is to be flushed; KiB for each storage, and how many dumps."""
        only = {disk.key for disk in self.disks} if self.arguments.no_dump and self.arguments.wanted else None
        left = leftovers.Left()
        if self.site.run.autoflush or self.arguments.no_dump:
            left = leftovers.flushes(self.site, self.datestamp, only, self.log)
        for flush in left.flushes:
            self._say(flush)
        self._say(planner.EndFlush())
        return left.kib, len(left.flushes)

    def _ask(self, standings: Sequence[Standing]) -> Callable[[], None] | None:
        from core.planner import clients

        asks = clients.asks_of((standing.disk, to_ask(standing)) for standing in standings)
        survey = clients.Survey(self.site.org, self.datestamp)
        for heard in survey.ask(asks):
            match heard:
                case clients.Began(host):
                    self._say(planner.Estimating(host))
                case clients.Sized(key, level, size):
                    self._say(planner.Estimate(*key, level, Kib(size)))
                case clients.Missing(key, message):
                    self._say(planner.NoEstimate(*key, message))
                case clients.Remark(text):
                    self.log(text)
                case clients.Finished(answers):
                    self.answers.update(answers)
                case _:
                    assert_never(heard)
        return survey.tidy

    def _tell(self, found: Plan) -> None:
        lines = [planner.encode(skip) for skip in found.skips] + [planner.encode(dump) for dump in found.dumps]
        self.out.write(b"".join(lines))
        self.out.flush()
        self.lines += len(lines)
        for notice in found.notices:
            self.log(notice)
        self.log(totals(found))
