"""Nights in which every word of every pipe occurs, and the fault matrix that is made from them.

A word of the protocol tables that occurs in no scenario fails `test_faults_engine.test_every_word_occurs`: who adds a word
adds the scenario that says it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from core.engine.inputs import Ordered
from core.model.disk import Dumptype, HoldingUse
from core.model.site import RunSettings, Storage
from core.model.units import Kib
from core.protocol import dumper, operator, planner, taper
from tests.support.faultmodels import File
from tests.support.faultnight import FAULTS, Fault, FaultNight, Scenario
from tests.support.world import STAMP, dump_line, make_site

FLUSHED = "/hold1/20261120000000/c._old.0"


def _plan(sizes: dict[tuple[str, str], int], *more: planner.Said) -> list[planner.Said]:
    return [planner.Date(STAMP), *more, planner.EndFlush(), *[dump_line(h, d, s) for (h, d), s in sizes.items()]]


def first_no(host: str, disk: str, attempt: int) -> str:
    """Host a is busy the first time."""
    return "try-again" if attempt == 1 and host == "a" else "done"


def _scenario(name: str, sizes: dict[tuple[str, str], int], plan: list[planner.Said] | None = None, *,
              holding: HoldingUse = HoldingUse.AUTO, runtapes: int = 9, **more: object) -> Scenario:
    storages = (Storage("main", "disk:/vtapes", runtapes=runtapes),)
    site = make_site(sizes, holding=[("/hold1", 1 << 20)], storages=storages, run=RunSettings(inparallel=2),
                     dumptype=Dumptype(retry=4, holding=holding))
    return Scenario(name, site, sizes, plan or _plan(sizes), **more)  # type: ignore[arg-type]


@cache
def scenarios() -> dict[str, Scenario]:
    """All of them by name; their sizes are KiB."""
    two = {("a", "/x"): 3000, ("b", "/z"): 700}
    made = [
        _scenario("holding", {("a", "/x"): 3000, ("a", "/y"): 40_000, ("b", "/z"): 700}, capacity=90_000, part=25_000,
                  dump=lambda host, disk, n: {"/x": "strange", "/y": "grow"}.get(disk, "done")),
        _scenario("two volumes", two, capacity=2600, part=900),
        _scenario("direct", two, holding=HoldingUse.NEVER),
        _scenario("direct, the client is busy", two, holding=HoldingUse.NEVER, dump=first_no),
        _scenario("the client is busy", two, dump=lambda h, d, n: "failed" if h == "b" else first_no(h, d, n)),
        _scenario("the client names a time", two, dump=lambda h, d, n: "retry" if n == 1 and h == "a" else "done"),
        _scenario("given up by an operator", {("a", "/x"): 900_000, ("b", "/z"): 700},
                  orders=[(5.0, Ordered(operator.AbortDump("00-00001"), "ana"))]),
        _scenario("hands", two, start=lambda n: "none" if n == 1 else "ok", volume=lambda n: "hands" if n == 1 else "ok"),
        _scenario("no further volume", two, runtapes=1, capacity=2000),
        _scenario("bad holding file", two, write=lambda h, d, n: "try-again" if n == 1 and h == "a" else "done"),
        _scenario("a whole plan", two, _whole_plan(two)),
        _scenario("a dumper that misunderstands", two, always=Fault("driver", "dumper", "FILE-DUMP", "garbled")),
        _scenario("a taper that misunderstands", two, always=Fault("driver", "taper", "FILE-WRITE", "garbled")),
    ]
    return {scenario.name: scenario for scenario in made}


def _whole_plan(sizes: dict[tuple[str, str], int]) -> list[planner.Said]:
    return [
        planner.Date(STAMP), planner.Flush("c", "/old", "20261120000000", 0, FLUSHED), planner.EndFlush(),
        planner.Estimating("a"), planner.Estimate("a", "/x", 0, Kib(3000)), planner.NoEstimate("c", "/w", "it is down"),
        planner.Skip("c", "/w", "it is down", "FAIL"), *[dump_line(h, d, s) for (h, d), s in sizes.items()],
    ]


def words() -> set[tuple[str, str, str]]:
    """(sender, receiver, verb) of every word that the tables of the planner's, dumper's and taper's pipes know."""
    found = {("planner", "driver", verb) for verb in planner.VOCABULARY.messages} | {("planner", "driver", "DUMP")}
    for name, module in (("dumper", dumper), ("taper", taper)):
        found |= {("driver", name, kind.VERB) for kind in module.Order.__args__}
        found |= {(name, "driver", kind.VERB) for kind in module.Report.__args__}
    return found


@cache
def clean(name: str) -> FaultNight:
    """The scenario without a further fault."""
    return prepared(name, None).play()


def prepared(name: str, fault: Fault | None) -> FaultNight:
    """A night that is ready to be played."""
    night = FaultNight(scenarios()[name], fault)
    if name == "a whole plan":
        night.files[FLUSHED] = File("c", "/old", "20261120000000", 0, 500, True)
    return night


def cases() -> Iterator[tuple[str, Fault]]:
    """Each word of each scenario, the first and the last time that it is said, with each fault."""
    for name in scenarios():
        for (sender, receiver, verb), times in sorted(clean(name).said.items()):
            for nth in sorted({1, times}):
                for kind in FAULTS:
                    yield name, Fault(sender, receiver, verb, kind, nth)
