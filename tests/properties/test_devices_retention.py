"""A model of a shelf over many nights: whatever operators and runs do, no volume that is still needed is overwritten.

The policy, the tapelist's text, the catalogue and its retention rules are the real ones; cassettes, their data and the
judge of what is needed are made here, simply and slowly.  10^5 steps in `make test-all`, some thousand in `make test`.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from core.catalogue.protect import protect
from core.catalogue.queries import volumes as written_volumes
from core.catalogue.store import Catalogue
from core.catalogue.traces import by_disk
from core.devices.contract import Condition, SlotView
from core.devices.scan_policy import WRITABLE, Rules, Standing, Verdict, choose, judge, vanished
from core.events import event as e
from core.events.event import Record
from core.model.site import Retention, Storage
from core.model.units import datestamp_of
from core.model.volume import (
    NEVER,
    Volume,
    find_volume,
    format_tapelist,
    parse_tapelist,
    with_volume,
    without_volume,
)

DAY = 86400.0
DISKS = ("/home", "/srv")
STEPS = [0]


@dataclass(frozen=True)
class Dump:
    """A good dump; ``base`` is what it builds on."""

    disk: str
    stamp: str
    level: int
    base: Dump | None
    volumes: int = 1
    """how many hold a part of it: with one of them gone it is no dump any more"""


@dataclass
class Cassette:
    """A physical volume: its label block and the whole dumps that have a part on it."""

    name: int
    label: str = ""
    stamp: str = ""
    dumps: list[Dump] = field(default_factory=list)
    ours: bool = True
    """whether this configuration ever wrote or labelled it"""
    begun: str = ""
    """the last run that told of beginning it"""
    turn: int = 0
    """its place among that run's volumes"""


class Shelf(RuleBasedStateMachine):
    """One storage, its slots, its operators and its nights."""

    def __init__(self) -> None:
        super().__init__()
        self.base = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
        self.catalogue = Catalogue(self.base / "catalogue.sqlite", wal=False)
        self.now = 1_795_000_000.0
        self.slots: dict[str, Cassette | None] = {}
        self.away: list[Cassette] = []
        self.tapelist: tuple[Volume, ...] = ()
        self.old: list[tuple[Volume, ...]] = []
        self.dumps: list[Dump] = []
        self.made = 0

    def teardown(self) -> None:
        self.catalogue.close()
        shutil.rmtree(self.base)

    @initialize(tapes=st.integers(0, 4), days=st.sampled_from([0, 0, 2, 6]), full=st.integers(0, 2), slots=st.integers(1, 6),
                auto=st.booleans())
    def configure(self, tapes: int, days: int, full: int, slots: int, auto: bool) -> None:
        self.storage = Storage("main", "disk:/x", slots, label="D-[0-9]{3}", autolabel="D-%%%" if auto else "",
                               retention=Retention(tapes, days, full))
        self.slots = {str(number): None for number in range(1, slots + 1)}

    # -- what the product sees and says --------------------------------------------------------
    def views(self) -> list[SlotView]:
        found = []
        for slot, one in self.slots.items():
            if one is None or not one.label:
                found.append(SlotView(slot, Condition.EMPTY))
            else:
                found.append(SlotView(slot, Condition.LABELLED, one.label, one.stamp, files=len(one.dumps)))
        return found

    def settled(self, stamp: str = "") -> Rules:
        protected = protect(self.storage.retention, written_volumes(self.catalogue, "main"), by_disk(self.catalogue), "main",
                            self.now)
        return Rules(self.storage, "daily", self.now, stamp, protected)

    def keep(self, volumes: tuple[Volume, ...]) -> None:
        """Write the tapelist and read it back."""
        self.old.append(self.tapelist)
        del self.old[:-5]
        self.tapelist = parse_tapelist(format_tapelist(volumes))
        assert self.tapelist == tuple(sorted(volumes, key=lambda v: v.datestamp, reverse=True))

    # -- what is needed, told by itself --------------------------------------------------------
    def needed(self, one: Cassette) -> str:
        """Why what is on this cassette must not go; empty when it may."""
        retention = self.storage.retention
        if not one.label:
            return ""
        if not one.ours:
            return "not ours"
        entry = find_volume(self.tapelist, one.label, "main")
        if entry is not None and not entry.reuse:
            return "marked no-reuse"
        everything = [c for c in (*self.slots.values(), *self.away) if c is not None]
        # A volume counts as written once a run has begun it, as in Amanda: the tapelist says so before there is a dump on it,
        # and where an operator has lost that line the run's own journal still does.
        # Of one run's volumes the last is the newest, whichever of their lines an old tapelist has.
        written = sorted((c for c in everything if c.ours and (c.dumps or self._is_begun(c))),
                         key=lambda c: (c.stamp, c.turn), reverse=True)
        if one.dumps and retention.days and self.now - _seconds(one.stamp) < retention.days * DAY:
            return "young"
        whole = [dump for dump in self.dumps if sum(dump in c.dumps for c in everything) == dump.volumes]
        for disk in DISKS:
            last = [d for d in whole if d.disk == disk and d.level == 0][-retention.full:] if retention.full else []
            for dump in one.dumps:
                if dump.disk == disk and any(_stands_on(dump, full, whole) for full in last):
                    return f"{dump} is, or stands on, a last full"
        # One that is kept by hand keeps no other free; among the others the newest are kept, with what they stand on.
        reusable = [c for c in written if (v := find_volume(self.tapelist, c.label, "main")) is None or v.reuse]
        newest = reusable[:retention.tapes]
        if one in newest:
            return f"one of the {retention.tapes} newest"
        for other in newest:
            for dump in other.dumps:
                # Its base, not the rest of itself: tapes = N counts volumes, as Amanda does, and may cut the oldest dump.
                if any(dump != mine and _stands_on(dump, mine, whole) for mine in one.dumps):
                    return f"{dump} of a kept volume needs it"
        return ""

    def _is_begun(self, one: Cassette) -> bool:
        entry = find_volume(self.tapelist, one.label, "main")
        return one.begun == one.stamp or (entry is not None and entry.used and entry.datestamp == one.stamp)

    def overwrite(self, verdict: Verdict, stamp: str) -> Cassette:
        """What a run or an operator does to a slot that the policy lets them have."""
        one = self.slots[verdict.view.slot]
        if one is None:
            self.made += 1
            one = self.slots[verdict.view.slot] = Cassette(self.made)
        why = self.needed(one)
        assert not why, f"slot {verdict.view.slot} {one} is overwritten ({verdict.reason}), but: {why}"
        one.label, one.stamp, one.dumps, one.ours = verdict.label, stamp, [], True
        return one

    # -- nights ---------------------------------------------------------------------------------
    @rule(hours=st.integers(6, 60), levels=st.lists(st.integers(-1, 2), min_size=2, max_size=2), count=st.integers(1, 3),
          dies=st.sampled_from([0, 0, 0, 0, 1, 2]))
    def night(self, hours: int, levels: list[int], count: int, dies: int) -> None:
        """A run: each disk at a level, spread over some volumes; it may die after a label, or before it is catalogued."""
        self.now += hours * 3600.0
        stamp = datestamp_of(self.now)
        facts: list[e.Event] = [e.RunBegan(stamp, "daily", "x", "ana", 1, 1, 2, 1)]
        begun: list[Cassette] = []
        for number in range(1, count + 1):
            verdicts = judge(self.views(), self.tapelist, self.settled(stamp))
            if vanished(verdicts, self.tapelist, "main"):
                break
            chosen = choose(verdicts, self.tapelist, "main")
            if chosen is None:
                break
            one = self.overwrite(chosen, stamp)
            if dies == 1:
                return  # between the label and the tapelist
            entry = find_volume(self.tapelist, one.label, "main") or Volume(one.label)
            self.keep(with_volume(self.tapelist, Volume(
                entry.label, stamp, True, pool="main", storage="main", config="daily")))
            facts.append(e.VolumeBegan("taper0", "main", one.label, number))
            begun.append(one)
            one.begun, one.turn = stamp, number
            self._catalogue(stamp, facts)
        if not begun or dies == 2:
            return
        for disk, level in zip(DISKS, levels, strict=True):
            earlier = [d for d in self.dumps if d.disk == disk]
            base = _base(earlier, level)
            if level < 0 or (level > 0 and base is None):
                continue
            dump = Dump(disk, stamp, level, base, len(begun))
            self.dumps.append(dump)
            handle = f"00-{len(facts):05d}"
            facts += [e.DumpBegan(handle, "h", disk, level, "dumper0", "tape", "", 1, 10),
                      e.DumpEnded(handle, "h", disk, level, "done", "", "", 10 * len(begun), 10, 1.0, "0:0", "0:0", "0:0", ""),
                      e.WriteBegan(handle, "taper0", "main", "h", disk, stamp, level, "", 10 * len(begun))]
            for part, one in enumerate(begun, 1):
                one.dumps.append(dump)
                facts.append(e.PartWritten(handle, "main", one.label, len(one.dumps), part, 10, ""))
            facts.append(e.WriteEnded(handle, "main", "h", disk, stamp, level, "done", "", "", 10 * len(begun), len(begun), 1.0,
                                      ""))
        facts.append(e.RunEnded(0, 1, 0, 0))
        self._catalogue(stamp, facts)

    def _catalogue(self, stamp: str, facts: list[e.Event]) -> None:
        with self.catalogue.batch():
            for seq, fact in enumerate(facts, 1):
                self.catalogue.apply(stamp, Record(seq, self.now + seq, fact))

    # -- operators ------------------------------------------------------------------------------
    @rule(pick=st.integers(0, 9))
    def take_out(self, pick: int) -> None:
        full = [slot for slot, one in self.slots.items() if one is not None]
        if full:
            slot = full[pick % len(full)]
            one, self.slots[slot] = self.slots[slot], None
            assert one is not None
            self.away.append(one)

    @rule(pick=st.integers(0, 9), slot=st.integers(0, 9))
    def put_in(self, pick: int, slot: int) -> None:
        free = [name for name, one in self.slots.items() if one is None]
        if self.away and free:
            self.slots[free[slot % len(free)]] = self.away.pop(pick % len(self.away))

    @rule(slot=st.integers(0, 9), label=st.integers(1, 9), stamp=st.sampled_from(["X", "20250101000000", "20301231000000"]),
          data=st.booleans())
    def somebody_elses(self, slot: int, label: int, stamp: str, data: bool) -> None:
        """A cassette of another site, perhaps with a label like ours."""
        free = [name for name, one in self.slots.items() if one is None]
        if free and (data or find_volume(self.tapelist, f"D-{label:03d}", "main") is None):
            self.made += 1
            foreign = Dump("elsewhere", stamp, 0, None)
            self.slots[free[slot % len(free)]] = Cassette(
                self.made, f"D-{label:03d}", stamp, [foreign] if data else [], ours=not data)

    @rule(pick=st.integers(0, 9), reuse=st.booleans())
    def mark(self, pick: int, reuse: bool) -> None:
        if self.tapelist:
            chosen = self.tapelist[pick % len(self.tapelist)]
            self.keep(tuple(Volume(**{**_fields(v), "reuse": reuse}) if v is chosen else v for v in self.tapelist))

    @rule(slot=st.integers(0, 9))
    def label_by_hand(self, slot: int) -> None:
        """`taperoom tape label`, without --force."""
        if not self.storage.autolabel:
            return
        verdicts = judge(self.views(), self.tapelist, self.settled())
        verdict = verdicts[slot % len(verdicts)]
        if verdict.standing is Standing.BLANK:
            self.overwrite(verdict, "X")
            self.keep(with_volume(self.tapelist, Volume(verdict.label, NEVER, pool="main", storage="main", config="daily")))

    @rule(slot=st.integers(0, 9))
    def erase(self, slot: int) -> None:
        """`taperoom tape erase`, without --confirm."""
        verdicts = judge(self.views(), self.tapelist, self.settled())
        verdict = verdicts[slot % len(verdicts)]
        entry = find_volume(self.tapelist, verdict.label, "main")
        if verdict.standing in WRITABLE and verdict.standing is not Standing.BLANK and entry is not None:
            self.overwrite(verdict, "X")
            self.keep(with_volume(self.tapelist, Volume(**{**_fields(entry), "datestamp": NEVER, "reuse": True})))

    @rule(pick=st.integers(0, 9))
    def a_line_is_lost(self, pick: int) -> None:
        """An operator edits the tapelist: a volume that it does not know is nobody's to overwrite."""
        if self.tapelist:
            gone = self.tapelist[pick % len(self.tapelist)]
            if gone.reuse:
                self.keep(without_volume(self.tapelist, gone.label, "main"))

    @precondition(lambda self: bool(self.old))
    @rule(pick=st.integers(0, 9))
    def an_old_tapelist_comes_back(self, pick: int) -> None:
        """From a backup of the server; marks that were made since are gone with it."""
        self.tapelist = self.old[pick % len(self.old)]

    # -- always -----------------------------------------------------------------------------------
    @invariant()
    def nothing_needed_is_next(self) -> None:
        """Not only what was chosen: nothing that might be chosen now is needed."""
        STEPS[0] += 1
        if not self.slots:
            return
        for verdict in judge(self.views(), self.tapelist, self.settled()):
            one = self.slots[verdict.view.slot]
            if verdict.standing in WRITABLE and one is not None:
                why = self.needed(one)
                assert not why, f"{verdict} may be overwritten, but {one}: {why}"


def _fields(volume: Volume) -> dict[str, object]:
    return {name: getattr(volume, name) for name in Volume.__slots__}


def _seconds(stamp: str) -> float:
    from core.model.units import seconds_of_datestamp

    return seconds_of_datestamp(stamp)


def _base(earlier: list[Dump], level: int) -> Dump | None:
    """The last dump before it at a lower level."""
    return next((dump for dump in reversed(earlier) if dump.level < level), None)


def _stands_on(dump: Dump, below: Dump, whole: list[Dump]) -> bool:
    """Whether restoring ``dump`` needs ``below``; one that cannot be restored any more needs nothing."""
    at: Dump | None = dump
    while at is not None and at in whole:
        if at == below:
            return True
        at = at.base
    return False


def _play(examples: int, steps: int) -> int:
    STEPS[0] = 0
    run: Callable[..., None] = run_state_machine_as_test  # type: ignore[assignment]
    run(Shelf, settings=settings(max_examples=examples, stateful_step_count=steps, deadline=None,
                                 suppress_health_check=list(HealthCheck)))
    return STEPS[0]


def test_the_newest_volume_is_the_one_begun_last_whatever_lines_an_old_tapelist_has() -> None:
    shelf = Shelf()
    try:
        shelf.configure(tapes=1, days=0, full=0, slots=2, auto=True)
        shelf.label_by_hand(slot=0)
        shelf.erase(slot=0)
        shelf.night(hours=6, levels=[-1, -1], count=2, dies=0)
        shelf.an_old_tapelist_comes_back(pick=1)
        assert [(volume.label, volume.used) for volume in shelf.tapelist] == [("D-001", False)]
        shelf.nothing_needed_is_next()
    finally:
        shelf.teardown()


def test_no_sequence_of_nights_and_hands_overwrites_a_needed_volume(capsys: pytest.CaptureFixture[str]) -> None:
    steps = _play(40, 40)
    assert steps >= 1000


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_no_sequence_of_a_hundred_thousand_steps_overwrites_a_needed_volume(capsys: pytest.CaptureFixture[str]) -> None:
    steps = 0
    while steps < 100_000:
        steps += _play(500, 80)
    with capsys.disabled():
        print(f" retention: {steps} steps")
