"""NO-ROOM over real pipes: what stands still, what goes on, and that no byte is lost or doubled."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from core.protocol.dumper import Abort, AbortFinished, BadCommand, Continue, Done, NoRoom, TryAgain
from tests.support.dumper import PATIENCE, STAMP, Dumper, Place
from tests.support.fake_amandad import INFO, data_of
from tests.support.holding import data_of as stored

SIZE = 3_000_000
GOOD: list[list[object]] = [["mesg", INFO], ["data", SIZE, 1], ["end"]]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    found = Place(tmp_path)
    found.plays(GOOD)
    return found


def test_bare_continue_gives_what_was_missing(place: Place) -> None:
    with Dumper(place.config) as dumper:
        dumper.tell(place.order("|;use=1024;orig=2930;"))
        report = dumper.hear()
        assert report == NoRoom("00-00001", 1952, "allotment")  # type: ignore[arg-type]
        assert place.path.with_name("web1._home.0.tmp").stat().st_size == 1024 * 1024
        dumper.tell(Continue())
        assert isinstance(dumper.hear(), Done)
    assert stored(place.path) == data_of(SIZE, 1)


def test_an_unknown_size_asks_for_a_guess(place: Place) -> None:
    with Dumper(place.config) as dumper:
        dumper.tell(place.order("|;use=1024;orig=100;"))
        assert dumper.hear() == NoRoom("00-00001", 32 * 1024, "allotment")  # type: ignore[arg-type]
        dumper.tell(Continue())
        assert isinstance(dumper.hear(), Done)


def test_in_place_with_so_much_more_again_and_again(place: Place) -> None:
    stalls = 0
    with Dumper(place.config) as dumper:
        dumper.tell(place.order("|;use=512;", chunksize=256))
        while isinstance(report := dumper.hear(), NoRoom):
            stalls += 1
            dumper.tell(Continue(str(place.path), 0, 256))  # type: ignore[arg-type]
        assert isinstance(report, Done)
    assert stalls > 9
    assert stored(place.path) == data_of(SIZE, 1)
    assert len(place.left) == -(-SIZE // (224 * 1024))


def test_in_a_new_chunk_elsewhere(place: Place) -> None:
    other = place.top / "other" / STAMP / "web1._home.0"
    other.parent.parent.mkdir()
    with Dumper(place.config) as dumper:
        dumper.tell(place.order("|;use=1024;"))
        assert isinstance(dumper.hear(), NoRoom)
        dumper.tell(Continue(str(other), 512, 1024))  # type: ignore[arg-type]
        assert isinstance(dumper.hear(), NoRoom)
        dumper.tell(Continue(str(place.path.with_name("again")), 0, 100_000))  # type: ignore[arg-type]
        assert isinstance(dumper.hear(), Done)
    assert sorted(path.name for path in other.parent.iterdir()) == ["web1._home.0.1", "web1._home.0.2"]
    assert place.left == ["again.3", "web1._home.0"]
    assert stored(place.path) == data_of(SIZE, 1)


def test_a_new_place_that_is_of_no_use(place: Place) -> None:
    with Dumper(place.config) as dumper:
        dumper.tell(place.order("|;use=1024;"))
        assert isinstance(dumper.hear(), NoRoom)
        dumper.tell(Continue(str(place.top / "none" / "d" / "x"), 0, 1024))  # type: ignore[arg-type]
        report = dumper.hear()
        assert isinstance(report, TryAgain) and report.message.startswith("HLD010")
    assert place.left == []


def test_abort_while_it_stands_still(place: Place) -> None:
    with Dumper(place.config) as dumper:
        dumper.tell(place.order("|;use=1024;"))
        assert isinstance(dumper.hear(), NoRoom)
        dumper.tell_raw(b"NONSENSE\n")
        assert isinstance(dumper.hear(), BadCommand)
        dumper.tell(Abort())
        assert isinstance(dumper.hear(), AbortFinished)
    assert place.left == []


def test_a_driver_that_dies_before_it_hears_of_it(place: Place) -> None:
    """Its answer is not waited for: nobody is there to give one, and nobody else would end this dumper."""
    with Dumper(place.config) as dumper:
        dumper.tell(place.order("|;use=1024;"))
        assert dumper.process.stdout is not None
        dumper.process.stdout.close()
        assert dumper.process.wait(PATIENCE) == 0
    assert place.left == []


def test_the_client_stands_still_with_the_dump(place: Place) -> None:
    """More than pipes and one read can hold: the client cannot have sent it all."""
    place.plays([["mesg", INFO], ["data", 16_000_000, 1], ["mesg", "| sent all\n"], ["end"]])
    with Dumper(place.config) as dumper:
        dumper.tell(place.order("|;use=1024;"))
        assert isinstance(dumper.hear(), NoRoom)
        status = Path(f"/proc/{dumper.process.pid}/status").read_text()
        assert int(status.split("VmHWM:")[1].split()[0]) < 80 * 1024
        dumper.tell(Continue())
        while isinstance(report := dumper.hear(), NoRoom):
            dumper.tell(Continue())
        assert isinstance(report, Done)
    assert stored(place.path) == data_of(16_000_000, 1)


def test_a_client_that_dies_while_the_dump_stands_still(place: Place) -> None:
    place.plays([["mesg", INFO], ["data", 1_500_000, 1], ["wait", str(place.top / "go")], ["die"]])
    with Dumper(place.config) as dumper:
        dumper.tell(place.order("|;use=1024;"))
        assert isinstance(dumper.hear(), NoRoom)
        (place.top / "go").touch()
        report = dumper.hear()
        assert isinstance(report, TryAgain) and "killed by signal 9" in report.message
        dumper.tell_raw(b"CONTINUE\n")  # it crossed our word: no fault of the driver
        place.plays(GOOD)
        dumper.tell(place.order(number=2))
        assert isinstance(dumper.hear(), Done)


def test_a_client_that_said_all_and_left_while_the_dump_stands_still(place: Place) -> None:
    place.plays([["mesg", INFO], ["data", 1_500_000, 1], ["end"], ["wait", str(place.top / "go")], ["die"]])
    with Dumper(place.config) as dumper:
        dumper.tell(place.order("|;use=1024;"))
        assert isinstance(dumper.hear(), NoRoom)
        (place.top / "go").touch()
        dumper.tell_raw(b"NONSENSE\n")
        assert isinstance(dumper.hear(), BadCommand)
        dumper.tell(Continue())
        while not isinstance(dumper.hear(), Done):
            pass
    assert stored(place.path) == data_of(1_500_000, 1)


def test_the_driver_leaves_while_the_dump_stands_still(place: Place) -> None:
    with Dumper(place.config) as dumper:
        dumper.tell(place.order("|;use=1024;"))
        assert isinstance(dumper.hear(), NoRoom)
        assert dumper.leave() == (0, "")
    assert place.left == []


def mounted(place: Place, size: str) -> list[str]:
    """A command that runs a program with a small file system of its own as the holding disk."""
    command = ["unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o "$0" tmpfs "$1" && shift && exec "$@"',
               f"size={size}", str(place.holding)]
    tried = subprocess.run([*command, "true"], capture_output=True, check=False) if shutil.which("unshare") else None
    if tried is None or tried.returncode:
        pytest.skip("no unshare -rm here: a file system that is really full cannot be made")
    return command


def test_a_full_file_system_and_a_chunk_elsewhere(place: Place) -> None:
    other = place.top / "other" / STAMP / "web1._home.0"
    other.parent.parent.mkdir()
    with Dumper(place.config, mounted(place, "1m")) as dumper:
        dumper.tell(place.order())
        report = dumper.hear()
        assert isinstance(report, NoRoom) and report.why == "disk" and report.missing >= 32 * 1024
        dumper.tell(Continue())
        assert dumper.hear() == report
        dumper.tell(Continue(str(other), 0, 100_000))  # type: ignore[arg-type]
        assert isinstance(dumper.hear(), Done)
        inside = Path(f"/proc/{dumper.process.pid}/root{place.path}")
        assert stored(inside) == data_of(SIZE, 1)
        assert inside.stat().st_size > 900_000


def test_a_full_file_system_where_room_is_made(place: Place) -> None:
    with Dumper(place.config, mounted(place, "4m")) as dumper:
        inside = Path(f"/proc/{dumper.process.pid}/root{place.holding}")
        filler = inside / "filler"
        dumper.tell(place.order(host="web9"))
        dumper.hear()  # it runs, so the file system is there
        filler.write_bytes(bytes(2_500_000))
        dumper.tell(place.order(number=2))
        report = dumper.hear()
        assert isinstance(report, NoRoom) and report.why == "disk"
        filler.unlink()
        dumper.tell(Continue())
        assert isinstance(dumper.hear(), Done)
        assert stored(inside / STAMP / "web1._home.0") == data_of(SIZE, 1)


def test_a_file_system_without_room_for_a_header(place: Place) -> None:
    with Dumper(place.config, mounted(place, "16k")) as dumper:
        dumper.tell(place.order())
        assert isinstance(dumper.hear(), NoRoom)
        dumper.tell(Continue(str(place.top / "x" / "y"), 0, 100_000))  # type: ignore[arg-type]
        report = dumper.hear()
        assert isinstance(report, TryAgain) and "no room for even the first 32 KiB" in report.message
