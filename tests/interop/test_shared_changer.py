"""A real Amanda 3.5.1 and we on one directory of slots: neither overwrites what the other needs, not even at the same time."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.client import checks
from core.devices.neighbour import in_hand, standing_still
from core.devices.scan_policy import Standing
from core.devices.shelf import inventory
from core.restore.recover import restore
from tests.support import amanda
from tests.support.amanda_site import AmandaSite, amanda_site, slot_bytes
from tests.support.dumps import manifest
from tests.support.small_site import SmallSite
from tests.support.stock_server import our_programs

pytestmark = pytest.mark.interop

TREE = {"letter.txt": b"dear reader\n" * 100, "sub/noise": os.urandom(400_000)}
SLOTS = 6


class AsAmanda(SmallSite):
    """A site whose programs are run by Amanda's user."""

    def command(self, program: str, *arguments: str) -> list[str]:
        python, path = our_programs("a changer shared with a real Amanda by its user")
        _, *words = super().command(program, *arguments)
        return ["runuser", "-u", amanda.USER, "--", "env", f"PYTHONPATH={path}", python, *words]


@pytest.fixture(params=["root", pytest.param(amanda.USER, marks=pytest.mark.slow)])
def both(request: pytest.FixtureRequest) -> Iterator[tuple[SmallSite, AmandaSite]]:
    """Both on the slots of one directory, each with labels of its own and few volumes to keep; who runs ours."""
    amanda.need("a changer shared with a real Amanda")
    with amanda.open_place() as place:
        vtapes = place / "vtapes"
        made = AsAmanda if request.param == amanda.USER else SmallSite
        ours = made(place / "ours", {"alpha:/home": TREE}, dumptype={"strategy": "noinc"}, storage={
            "changer": f"disk:{vtapes}", "slots": SLOTS, "label": "TR-[0-9]{3}", "autolabel": "TR-%%%",
            "retention": {"tapes": 1, "days": 0, "full": 1}})
        top = ours.data("alpha:/home")
        for path in (place / "ours", place / "ours/data", top.parent, top):
            path.chmod(0o755)
        with amanda_site(place / place.name, vtapes, {"home": (top, "plain")}, tapecycle=2, runtapes=1) as theirs:
            theirs.slots(SLOTS)
            if request.param == amanda.USER:
                amanda.give(place)
            yield ours, theirs


def volumes(theirs: AmandaSite, begin: str) -> dict[str, dict[str, bytes]]:
    """Label to every byte of the volumes whose label begins so."""
    return {path.name.partition(".")[2]: slot_bytes(path.parent) for path in theirs.vtapes.glob(f"slot*/00000.{begin}-*")}


def labels(lines: list[str]) -> list[str]:
    return [line.split()[1] for line in lines]


def alternate(ours: SmallSite, theirs: AmandaSite, nights: int) -> tuple[list[str], list[str]]:
    """So many nights of each, in turn; which volumes each wrote, in order.  After each night the other's are untouched."""
    written: tuple[list[str], list[str]] = ([], [])
    for night in range(nights):
        (ours.data("alpha:/home") / f"night{night}").write_bytes(b"%d\n" % night)
        before = volumes(theirs, "TR")
        theirs.amdump()
        assert volumes(theirs, "TR") == before, "Amanda's night left ours as they were"
        written[0].append(labels(theirs.tapelist)[0])
        before, listed = volumes(theirs, "AM"), theirs.tapelist
        ran = ours.amdump()
        assert ran.returncode == 0, ran.stdout + ran.stderr + ours.logs()
        assert volumes(theirs, "AM") == before and theirs.tapelist == listed, "our night left Amanda's as they were"
        written[1].append(labels(ours.site.tapelist.read_text().splitlines())[0])
        assert all(len(list(slot.glob("00000.*"))) <= 1 for slot in theirs.vtapes.glob("slot*"))
    return written


def both_restore(ours: SmallSite, theirs: AmandaSite, out: Path) -> None:
    """What each dumped last comes back from the volumes of each."""
    result = restore(ours.site, [f"alpha:{ours.data('alpha:/home')}"], "now", out / "ours")
    assert result.good and manifest(out / "ours") == manifest(ours.data("alpha:/home"))
    fetched = theirs.run("amfetchdump", "-p", theirs.name, "localhost", "home", theirs.stamps()[-1], more="cat")
    assert fetched.returncode == 0, fetched.stderr.decode()
    (out / "theirs").mkdir()
    subprocess.run(["tar", "-xpGf", "-", "-C", str(out / "theirs")], input=fetched.stdout, check=True)
    assert any((out / "theirs").iterdir())


def test_alternating_nights(both: tuple[SmallSite, AmandaSite], tmp_path: Path) -> None:
    ours, theirs = both
    (out := tmp_path / "out").mkdir()
    assert alternate(ours, theirs, 2) == (["AM-001", "AM-002"], ["TR-001", "TR-002"])
    both_restore(ours, theirs, out)
    rows = {row.label: (row.standing, row.reason) for row in inventory(ours.site, ours.site.storages["main"])}
    assert rows["AM-001"] == (Standing.FOREIGN, "not in the tapelist") == rows["AM-002"]
    told = [finding for finding in checks.server(ours.site) if finding.subject == "storage main"]
    assert [(finding.severity, finding.text) for finding in told[:-1]] == [
        ("", "2 volumes of somebody else's, left alone: AM-001, AM-002")]
    # One of ours that the tapelist has lost is another matter.
    ours.site.tapelist.write_text("".join(ours.site.tapelist.read_text().splitlines(keepends=True)[1:]))
    assert [(finding.severity, finding.text.partition(": ")[2]) for finding in checks.server(ours.site)
            if finding.code == "TAP017"] == [("W", "TR-002 not in the tapelist")]


@pytest.mark.slow
def test_a_week_of_alternating_nights(both: tuple[SmallSite, AmandaSite], tmp_path: Path) -> None:
    """Each begins to write its own volumes anew, and only those."""
    ours, theirs = both
    (out := tmp_path / "out").mkdir()
    theirs_written, ours_written = alternate(ours, theirs, 6)
    assert set(theirs_written) == {"AM-001", "AM-002"} and theirs_written.count("AM-001") == 3
    assert len(set(ours_written)) < 6 and all(label.startswith("TR-") for label in ours_written)
    both_restore(ours, theirs, out)


@pytest.mark.slow
def test_both_at_the_same_time(both: tuple[SmallSite, AmandaSite], tmp_path: Path) -> None:
    ours, theirs = both
    (out := tmp_path / "out").mkdir()
    command = ["runuser", "-u", amanda.USER, "--", "amdump", theirs.name]
    for _ in range(2):
        with subprocess.Popen(command, cwd=theirs.here) as other:
            ran = ours.amdump()
            assert other.wait(120) == 0, theirs.log()
        assert ran.returncode == 0, ran.stdout + ran.stderr + ours.logs()
    assert set(volumes(theirs, "AM")) == {"AM-001", "AM-002"} and set(volumes(theirs, "TR")) == {"TR-001", "TR-002"}
    assert all(len(list(slot.glob("00000.*"))) <= 1 for slot in theirs.vtapes.glob("slot*"))
    both_restore(ours, theirs, out)


@pytest.mark.slow
def test_each_waits_for_the_other_at_the_changer(both: tuple[SmallSite, AmandaSite]) -> None:
    ours, theirs = both
    theirs.amdump()
    show = ("amtape", "-otpchanger=impatient", theirs.name, "inventory")
    with standing_still(theirs.vtapes):
        said = theirs.run(*show)
    assert b"Timeout trying to lock" in said.stdout + said.stderr, said
    free = theirs.run(*show)
    assert free.returncode == 0 and b"AM-001" in free.stdout + free.stderr, free

    # A tool of Amanda that reads a volume and is not listened to has it in hand; we go round it.
    reader = subprocess.Popen(["runuser", "-u", amanda.USER, "--", "amfetchdump", "-p", "-a", theirs.name, "localhost"],
                              cwd=theirs.here, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while not in_hand(theirs.vtapes) and time.monotonic() < until:
            assert reader.poll() is None, "it reads on until somebody takes what it has read"
        assert "1" in in_hand(theirs.vtapes)
        ran = ours.amdump()
        assert ran.returncode == 0, ran.stdout + ran.stderr + ours.logs()
        assert labels(ours.site.tapelist.read_text().splitlines()) == ["TR-001"]
    finally:
        assert reader.stdout is not None
        reader.stdout.close()
        reader.wait(60)


@pytest.mark.slow
def test_what_amanda_takes_when_it_is_told_to(both: tuple[SmallSite, AmandaSite]) -> None:
    """autolabel … any is the one way in which Amanda takes our volumes; the export warns of it, and protects them."""
    from tests.interop.test_export_amanda import export

    ours, theirs = both
    assert ours.amdump().returncode == 0, ours.logs()
    for slot in range(2, SLOTS + 1):
        (theirs.vtapes / f"slot{slot}").rmdir()
    conf = theirs.conf / "amanda.conf"
    conf.write_text(conf.read_text().replace('autolabel "AM-%%%"', 'autolabel "AM-%%%" any'))
    said = export(ours, theirs)
    assert "TAP046 autolabel of Amanda's storage" in said.out
    before = slot_bytes(theirs.vtapes / "slot1")
    theirs.run("amdump", theirs.name)
    assert slot_bytes(theirs.vtapes / "slot1") == before
