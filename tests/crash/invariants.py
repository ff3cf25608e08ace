"""What must be true after a crash, and again after the next night.

Every check reads what a user would: commands, restored files, the volumes themselves.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from core.catalogue.protect import protected_labels
from core.catalogue.rebuild import open_catalogue, rebuild
from core.devices.contract import Condition
from core.devices.registry import open_changer
from core.events import event as e
from core.holding.chunk import TMP
from core.holding.scan import survey
from core.restore.recover import restore
from tests.crash.points import Case
from tests.crash.power import Disk
from tests.crash.site import CrashSite, Said, Tree, tree_of

GOOD = ("done", "strange")
Shelf = dict[str, tuple[tuple[str, int, int], ...]]


@dataclass(slots=True)
class Outcome:
    """What one case showed, beside that nothing was wrong."""

    fired: bool
    words: list[str] = field(default_factory=list)


def play(site: CrashSite, case: Case, *, cleanup: bool) -> Outcome:
    """Crash, look, perhaps clean up, look again, another night, look again.  AssertionError names what is wrong."""
    site.renew()
    runs = site.runs()
    expected = site.trees()
    needed = _needed(site)
    disk = Disk.now(site.roots) if case.power else None
    said = site.night(case.target, durable=disk is not None)
    assert "Traceback" not in said.text, said.text
    if not site.fired:
        return Outcome(False)
    if disk is not None:
        said_before = [site.facts(run) for run in site.runs() if run not in runs]
        site.power_cut(disk, case.power, seed=hash_of(case))
        _still_known(case, said_before, [site.facts(run) for run in site.runs() if run not in runs])
    crashed = [run for run in site.runs() if run not in runs]
    _still_there(site, needed)
    outcome = Outcome(True, [_what_happened(site, crashed, said)])
    if cleanup:
        outcome.words.append(_clean_up(site))
    done = _done(site, crashed)
    _restores(site, expected, done, "")
    _one_catalogue(site)
    if said.code == 0 and hash_of(case) % 3:
        # The night mended it by itself; whether the next one has nothing to do is seen in a third of these cases.
        _nothing_lies_about(site)
        return outcome
    needed = _needed(site)
    # The next night.
    site.change()
    after = site.trees()
    again = site.night(None, hook=False)
    assert again.code == 0, f"the next night ended with {again.code}\n{again.text}\n{site.logs()}"
    _still_there(site, needed)
    _restores(site, after, set(after), "")
    for run in crashed:
        _restores(site, expected, done, run)
    _one_catalogue(site)
    _nothing_lies_about(site)
    return outcome


def hash_of(case: Case) -> int:
    """The same number for the same case in every process."""
    return sum(ord(letter) * (place + 1) for place, letter in enumerate(case.id))


def _still_known(case: Case, before: list[list[e.Event]], after: list[list[e.Event]]) -> None:
    """A fact that the driver had acted upon outlives the power cut; when it was in the middle of writing one, all others do."""
    if case.point.startswith(("before ", "after ")) or "driver" in case.point:
        assert before == after or not any(before), "facts are gone"
    for was, now in zip(before, after, strict=False):
        assert was[:len(now)] == now, "facts have changed"


def _what_happened(site: CrashSite, crashed: list[str], said: Said) -> str:
    """A run without an end is called so by the next command."""
    status = site.command("status")
    assert "Traceback" not in status.text and status.code in (0, 1, 2, 3), status
    if crashed:
        facts = site.facts(crashed[-1])
        if not facts:
            assert "written nothing" in status.text or "RUN" in status.text, status.text
        elif not any(isinstance(fact, e.RunEnded) for fact in facts):
            assert "NOT RUNNING: the run ended without a last word; 'taperoom cleanup'" in status.text, status.text
    return status.text


def _clean_up(site: CrashSite) -> str:
    dry = site.command("cleanup", "--dry-run")
    done = site.command("cleanup")
    assert done.code == 0, done.text
    assert _acts(dry.text) == _acts(done.text), f"dry: {dry.text}\nthen: {done.text}"
    again = site.command("cleanup")
    assert again.code == 0 and again.text.startswith("0 files removed, 0 kept"), again.text
    _nothing_half_written(site)
    status = site.command("status").text
    assert "NOT RUNNING" not in status, status
    return done.text


def _acts(said: str) -> list[str]:
    """What a cleanup does, line by line; a damaged catalogue is made again by whoever opens it first."""
    lines = [line for line in said.splitlines() if not line.startswith("RST002")]
    return [line.split(";")[0].replace(" to remove,", " removed,") for line in lines]


def _done(site: CrashSite, crashed: list[str]) -> set[str]:
    """The disks whose dump the journal calls done."""
    return {
        f"{fact.host}:{fact.disk}" for run in crashed for fact in site.facts(run)
        if isinstance(fact, e.DumpEnded) and fact.outcome in GOOD and (fact.file or _on_volume(site, run, fact.handle))}


def _on_volume(site: CrashSite, run: str, handle: str) -> bool:
    return any(isinstance(fact, e.WriteEnded) and fact.handle == handle and fact.outcome == "done" for fact in site.facts(run))


def _restores(site: CrashSite, expected: dict[str, Tree], done: set[str], as_of: str) -> None:
    """Every disk comes back byte for byte; one that is not done as it was before, or as it is."""
    for title, tree in expected.items():
        if as_of and title not in done:
            continue
        to = site.root / "out"
        shutil.rmtree(to, ignore_errors=True)
        result = restore(site.site, [title], as_of or "now", to)
        assert result.good, f"{title}: {result.missing}"
        found = tree_of(to)
        if title in done:
            assert found == tree, _difference(title, found, tree, result.warnings)
        else:
            assert found in (tree, site.before[title]), _difference(title, found, site.before[title], result.warnings)


def _difference(title: str, found: Tree, tree: Tree, warnings: list[str]) -> str:
    other = sorted(name for name in found.keys() & tree.keys() if found[name] != tree[name])
    return (f"{title}: missing {sorted(tree.keys() - found.keys())}, too many {sorted(found.keys() - tree.keys())}, "
            f"different {other}; {warnings}")


def _one_catalogue(site: CrashSite) -> None:
    """The catalogue equals its rebuild."""
    with open_catalogue(site.site).catalogue as kept:
        lines = kept.dump()
    rebuild(site.site).close()
    with open_catalogue(site.site).catalogue as made:
        assert sorted(made.dump()) == sorted(lines)


def _needed(site: CrashSite) -> Shelf:
    """The volumes that retention needs, with every file on them."""
    found: Shelf = {}
    for storage in site.site.storages.values():
        labels = protected_labels(site.site, storage)
        for view in open_changer(storage).views():
            if view.condition is Condition.LABELLED and view.label in labels:
                slot = Path(storage.address) / f"slot{view.slot}"
                found[view.label] = _files(slot)
    return found


def _files(slot: Path) -> tuple[tuple[str, int, int], ...]:
    return tuple(sorted(
        (path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in slot.iterdir() if not path.name.startswith(".")))


def _still_there(site: CrashSite, needed: Shelf) -> None:
    """No needed volume lost or changed a file; a run may append to its own."""
    for storage in site.site.storages.values():
        slots = {view.label: Path(storage.address) / f"slot{view.slot}" for view in open_changer(storage).views()}
        for label, files in needed.items():
            assert label in slots, f"volume {label} is gone"
            assert set(files) <= set(_files(slots[label])), f"volume {label} was overwritten"


def _nothing_half_written(site: CrashSite) -> None:
    found = survey(site.site.holding)
    assert all(dump.complete for dump in found.dumps) and not found.orphans, found
    left = [path for root in (site.site.state_dir, *(disk.path for disk in site.site.holding))
            for path in root.rglob("*") if path.name.endswith((TMP, ".new")) or ".new" in path.suffix]
    assert not left, left


def _nothing_lies_about(site: CrashSite) -> None:
    """After a good night the holding disks are empty."""
    found = survey(site.site.holding)
    assert not [dump.path for dump in found.dumps if dump.complete], found.dumps


def all_is_well(site: CrashSite) -> None:
    """After a night without a crash."""
    _restores(site, site.trees(), set(site.trees()), "")
    _one_catalogue(site)
    _nothing_lies_about(site)
