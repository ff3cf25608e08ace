"""What must be true of a night whatever happened to one line of it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from core.engine.room import round_up
from core.events import event as e
from core.events.view import FINAL
from core.report.morning import report_text
from tests.support.faultnight import Fault, FaultNight

QUIET = ("delayed",)
"""Faults that nobody need hear of: the line came."""


def check(night: FaultNight, clean: FaultNight, fault: Fault | None, *, strict: bool) -> None:
    """The invariants of the matrix on a night that has ended.  ``strict``: one fault may not cost a disk its dump."""
    _each_disk_once(night, clean, fault, strict)
    nothing_lost(night)
    _nothing_double(night)
    accounts(night)
    if fault is not None and fault.kind not in QUIET:
        _named(night, clean)


def _each_disk_once(night: FaultNight, clean: FaultNight, fault: Fault | None, strict: bool) -> None:
    ends = Counter((f.host, f.disk) for f in night.facts if isinstance(f, e.DiskEnded))
    assert all(count == 1 for count in ends.values()), f"{ends}\n{night!r}"
    planned = {(f.host, f.disk) for f in night.facts if isinstance(f, e.DumpPlanned)}
    assert set(ends) == planned, f"a disk has no end\n{night!r}"
    for key in planned:
        disk = night.view.disks[key]
        assert disk.state in FINAL, f"{disk}\n{night!r}"
        if disk.state.value == "failed":
            assert disk.message, f"{key} failed without a reason\n{night!r}"
            assert not strict or clean.view.disks[key].state.value == "failed", f"one fault cost {key} its dump\n{night!r}"
    missing = set(clean.view.disks) - set(night.view.disks)
    if missing:
        assert fault is not None and fault.sender == "planner", f"{missing} are not in the run\n{night!r}"
        told = _codes(night) & {"RUN013", "RUN014", "RUN015", "RUN016", "RUN017"}
        assert told, f"nobody says that {missing} were not planned\n{night!r}"


def nothing_lost(night: FaultNight) -> None:
    """What is called done is whole somewhere, and the journal tells where."""
    held = {(f.host, f.disk, f.datestamp) for f in night.files.values() if f.whole}
    for key, disk in night.view.disks.items():
        if disk.state.value not in ("done", "strange"):
            continue
        if (*key, night.stamp) in held and any(h.file in night.left for h in night.engine.state.held.values()):
            continue
        writes = [f for f in night.facts if isinstance(f, e.WriteEnded) and f.outcome == "done" and (f.host, f.disk) == key]
        assert writes, f"{key} is nowhere\n{night!r}"
        for write in writes:
            _on_volume(night, write)
    for write in (f for f in night.facts if isinstance(f, e.WriteEnded) and f.outcome == "done"):
        _on_volume(night, write)


def _on_volume(night: FaultNight, write: Any) -> None:
    told = [(f.label, f.fileno, f.size) for f in night.facts if isinstance(f, e.PartWritten) and f.handle == write.handle]
    there = [(label, fileno, kib) for label, parts in night.volumes.items()
             for fileno, handle, _, _, kib in parts if handle == f"{night.stamp} {write.handle}"]
    assert sorted(told) == sorted(there), f"the journal says {told}, the volumes have {there}\n{night!r}"
    assert sum(kib for *_, kib in told) == write.size, f"{write} {told}\n{night!r}"


def _nothing_double(night: FaultNight) -> None:
    done = Counter((f.host, f.disk, f.datestamp, f.storage) for f in night.facts
                   if isinstance(f, e.WriteEnded) and f.outcome == "done")
    assert all(count == 1 for count in done.values()), f"written twice: {done}\n{night!r}"
    places = Counter((f.label, f.fileno) for f in night.facts if isinstance(f, e.PartWritten))
    assert all(count == 1 for count in places.values()), f"one place twice: {places}\n{night!r}"
    tries = Counter((f.host, f.disk) for f in night.facts if isinstance(f, e.WriteBegan))
    ended = Counter((f.host, f.disk) for f in night.facts if isinstance(f, e.WriteEnded))
    assert tries == ended, f"a write without an end: {tries} {ended}\n{night!r}"
    begun = Counter(f.label for f in night.facts if isinstance(f, e.VolumeBegan))
    assert all(count == 1 for count in begun.values()), f"a volume begun twice: {begun}\n{night!r}"


def accounts(night: FaultNight) -> None:
    """Every KiB is either free or under a dump that is there; dumpers, hosts and networks are idle."""
    state = night.engine.state
    told = " ".join(f.text for f in night.facts if isinstance(f, e.Notice) and f.code == "HLD007")
    aside = {name: f for name, f in night.left.items() if name in told or (f.datestamp != night.stamp and _planless(night))}
    assert set(state.held) | set(aside) == set(night.files), f"{set(state.held)} {set(night.files)}\n{night!r}"
    for hold in state.holds.values():
        # What is put aside is this run's no more: its space is out of the total, too.
        kept = sum(x.size for held in state.held.values() if not held.foreign for x in held.extents if x.path == hold.path)
        assert hold.free == hold.total - kept, f"{hold} {kept}\n{night!r}"
    for held in state.held.values():
        if not held.foreign:
            assert sum(x.size for x in held.extents) >= round_up(held.size) - 32, f"{held}\n{night!r}"
    assert not any(d.job for d in state.dumpers.values()) and not state.questions, repr(night)
    assert not any(state.running_on.values()) and not any(state.network.values()) and not state.spindles, repr(night)
    assert not any(t.write or t.direct for t in state.tapes.values()), repr(night)


def _story(night: FaultNight) -> Counter[tuple[str, ...]]:
    """What an operator would notice, without times, handles and volumes."""
    story: Counter[tuple[str, ...]] = Counter()
    for fact in night.facts:
        match fact:
            case e.DiskEnded() | e.DumpEnded() | e.WriteEnded():
                story[type(fact).__name__, fact.host, fact.disk, fact.outcome] += 1
            case e.DumpStalled() | e.FlushPlanned() | e.DiskSkipped() | e.EstimateGot() | e.EstimateMissing() | e.VolumeBegan():
                story[(type(fact).__name__,)] += 1
    return story


def _planless(night: FaultNight) -> bool:
    """Whether the report says that the plan did not come whole, so that a flush may be missing."""
    return bool(_codes(night) & {"RUN013", "RUN015", "RUN016", "RUN017", "HLD006"})


def _codes(night: FaultNight) -> set[str]:
    return {f.code for f in night.facts if isinstance(f, e.Notice)}


def _named(night: FaultNight, clean: FaultNight) -> None:
    """Where the fault changed anything, the report says so."""
    if _story(night) == _story(clean):
        return
    report = report_text(night.view)
    named = [word for word in ("dumper0 died", "dumper1 died", "taper0 died", "RUN01", "TAP024", "TAP025", "lost on the way",
                               "HLD006")
             if word in " ".join(report.split())]
    more, less = _story(night) - _story(clean), _story(clean) - _story(night)
    assert named, f"the report names nothing: {more} {less}\n{report}\n{night!r}"
