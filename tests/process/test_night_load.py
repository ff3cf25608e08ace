"""Nights of a large site on this machine, unattended: the 336 disks on 130 clients of which LISA 1993 tells, and a smaller one.

One drive, a holding disk much smaller than the night, volumes that fill up.  Once all is well; once 5 % of the clients
are dead, 5 % die in mid-dump, the first slot holds a wrong tape and one holding disk is full.
"""

from __future__ import annotations

import os
import re
import subprocess
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.client.follow import Journal
from core.devices.labelling import label_volume
from core.events import event as e
from core.events.event import Event
from core.events.view import DiskState
from core.holding.header import Header, Kind, build
from tests.support.big_site import Crowd, amandads, by_state, crowd, holds_all, on_volumes, processes_in, trees
from tests.support.small_site import SmallSite

SIZES = [
    pytest.param(40, 16, 3600, id="40 disks"),
    pytest.param(336, 130, 3600, id="336 disks", marks=[pytest.mark.slow, pytest.mark.timeout(3600)]),
]
KIB_OF_A_DISK = 60


@contextmanager
def full_disk(path: Path) -> Iterator[bool]:
    """A small file system that is full; False where this user may not mount one."""
    path.mkdir()
    mounted = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(path)], capture_output=True, check=False).returncode == 0
    if not mounted:
        warnings.warn("NOT TESTED: a full holding disk on a bad night needs root and mount(8)", stacklevel=2)
        yield False
        return
    try:
        with open(path / "filler", "wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(4096))
            except OSError:
                pass
        yield True
    finally:
        subprocess.run(["umount", str(path)], check=True)


def site_of(root: Path, crowd_: Crowd, disks: int, holding: Sequence[Path]) -> SmallSite:
    night = disks * KIB_OF_A_DISK
    volume = max(1024, night // 4)
    return SmallSite(
        root, trees(crowd_, disks), hosts=amandads(crowd_),
        run={"inparallel": 4, "maxdumps": 1, "runtapes": 9, "retry_delay": "1 s", "request_deadline": "30 s"},
        holding=[{"path": str(path), "use": f"{night // 5} KiB"} for path in holding],
        storage={"slots": 12, "capacity": f"{volume} KiB", "part_size": "512 KiB"})


def facts(site: SmallSite) -> list[Event]:
    journal, found = Journal(site.run()), list[Event]()
    while records := journal.read():  # a long journal comes in pieces
        found += [record.event for record in records]
    journal.close()
    return found


def of(found: Sequence[Event], kind: type) -> list[Event]:
    return [event for event in found if isinstance(event, kind)]


def whole_night(site: SmallSite, seconds: int) -> tuple[int, str]:
    """An unattended run: no terminal, nobody who answers; exit code and report."""
    done = subprocess.run(site.command("amdump"), env=site.env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=seconds, check=False)
    assert "Traceback" not in done.stderr + site.logs(), done.stderr + site.logs()[-20000:]
    return done.returncode, done.stdout


@pytest.mark.parametrize(("disks", "hosts", "seconds"), SIZES)
def test_a_large_night_needs_nobody(tmp_path: Path, disks: int, hosts: int, seconds: int) -> None:
    clients = crowd(hosts)
    site = site_of(tmp_path, clients, disks, [tmp_path / "hold"])
    code, report = whole_night(site, seconds)
    found = facts(site)
    assert code == 0, report + site.logs()[-20000:]
    wanted = trees(clients, disks)
    assert by_state(site) == {DiskState.DONE: set(wanted)}
    assert not of(found, e.QuestionClosed) and not of(found, e.OperatorActed), "0 inputs"
    assert len(of(found, e.VolumeBegan)) >= 3, "the night is larger than a volume"
    holds_all(on_volumes(tmp_path / "vtapes"), wanted, wanted)
    assert not [path for path in (tmp_path / "hold").rglob("*") if path.is_file()]
    _the_account(found, {str(tmp_path / "hold"): disks * KIB_OF_A_DISK // 5})
    assert not processes_in(tmp_path)


@pytest.mark.parametrize(("disks", "hosts", "seconds"), SIZES)
def test_the_same_night_with_everything_against_it_ends_with_the_exact_list(
    tmp_path: Path, disks: int, hosts: int, seconds: int,
) -> None:
    sick = max(1, hosts // 20)
    clients = crowd(hosts, dead=sick, dying=sick)
    with full_disk(tmp_path / "full") as is_full:
        site = site_of(tmp_path, clients, disks, [tmp_path / "hold", *([tmp_path / "full"] if is_full else [])])
        wrong = _wrong_tape(site)
        code, report = whole_night(site, seconds)
        found = facts(site)
        wanted = trees(clients, disks)
        failing = {title for title in wanted if title.partition(":")[0] in clients.failing}
        assert code == 1, report + site.logs()[-20000:]
        assert by_state(site) == {DiskState.DONE: set(wanted) - failing, DiskState.FAILED: failing}
        assert _named_as_failed(report, wanted) == failing
        assert not [event for event in found if isinstance(event, e.QuestionClosed) and event.by not in (
            "withdrawn", "deadline")], "0 inputs"
        holds_all(on_volumes(tmp_path / "vtapes"), wanted, set(wanted) - failing)
        assert wrong.read_bytes() == WRONG and not [path for path in wrong.parent.iterdir() if path != wrong]
        assert "slot1" not in {os.readlink(tmp_path / "vtapes" / "data")}
        left = [path for path in (tmp_path / "hold").rglob("*") if path.is_file()]
        assert not left, "what a client that died left is no dump"
        good = {(event.host, event.disk) for event in found
                if isinstance(event, e.WriteEnded) and event.outcome == "done"}
        assert not {host for host, _ in good} & clients.failing
    assert not processes_in(tmp_path)


WRONG = build(Header(Kind.TAPESTART, datestamp="20260101000000", label="OTHER-SITE-7"))


def _wrong_tape(site: SmallSite) -> Path:
    """Slot 1 holds the volume of somebody else; a tape of ours is labelled in slot 2."""
    slot = site.root / "vtapes" / "slot1"
    slot.mkdir()
    wrong = slot / "00000.OTHER-SITE-7"
    wrong.write_bytes(WRONG)
    label_volume(site.site, site.site.storages["main"], "2")
    return wrong


def _named_as_failed(report: str, titles: dict[str, dict[str, bytes]]) -> set[str]:
    """The disks that the report's list of failures names."""
    section = report[report.index("\nFAILED ("):report.index("\nDISKS")]
    found = {f"{host}:/{disk}" for host, disk in re.findall(r"(client\d+):\S*/(disk\d+)", section)}
    assert found <= set(titles) and f"FAILED ({len(found)})" in section
    return found


def _the_account(found: Sequence[Event], use: dict[str, int]) -> None:
    """At no moment were more KiB of whole dumps on a holding disk than it may hold."""
    held: dict[str, int] = {}
    for event in found:
        if isinstance(event, e.DumpEnded) and event.file:
            held[event.file] = event.size
        elif isinstance(event, e.FileRemoved):
            held.pop(event.file, None)
        for path, most in use.items():
            assert sum(size for file, size in held.items() if file.startswith(path)) <= most
    assert not held
