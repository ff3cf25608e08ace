"""The dumper over real pipes, with a client that follows a script: good dumps, bad clients, odd drivers."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pytest
from crc32c import crc32c

from core.holding.header import HEADER_SIZE, parse
from core.index.reader import open_index
from core.model.dump import NO_CRC, Crc, Stats
from core.model.framesums import FRAME, decode
from core.model.units import Handle
from core.protocol.dumper import (
    Abort,
    AbortFinished,
    BadCommand,
    Confirm,
    Done,
    Failed,
    Quit,
    Retry,
    Strange,
    TryAgain,
)
from core.wire.features import CLIENT, STOCK
from tests.support.dumper import ROOT, STAMP, Dumper, Place
from tests.support.fake_amandad import INFO, data_of
from tests.support.holding import data_of as stored
from tests.support.indexes import lines_of


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def dumped(place: Place, options: str = "|;") -> object:
    with Dumper(place.config) as dumper:
        dumper.tell(place.order(options))
        return dumper.hear()


def test_a_dump_is_whole_and_safe_when_done_is_said(place: Place) -> None:
    place.plays([["mesg", INFO], ["index", "/\n/a file\n"], ["data", 1_500_000, 1], ["mesg", "| Total bytes\n"], ["end"]])
    with Dumper(place.config) as dumper:
        dumper.tell(place.order())
        report = dumper.hear()
        assert isinstance(report, Done) and report.handle == "00-00001"
        assert "confirmed" not in place.seen, "the driver has not said yet that it is safe"
        dumper.tell_raw(b"CONFIRM 00-00001\nQUIT\n")
        dumper.leave()
    assert place.left == ["web1._home.0"]
    data = data_of(1_500_000, 1)
    assert stored(place.path) == data
    header = parse(place.path.read_bytes()[:HEADER_SIZE])
    stats = Stats.parse(report.message)
    crc = header.server
    assert crc.size == len(data)
    assert stats.native == stats.client == stats.server == header.native == header.client == crc
    assert (stats.kib, stats.orig_kib, header.orig_kib) == (1465, 1465, 1465)
    assert header.key == ("web1", "/home", STAMP, 0)
    assert (header.program, header.recover, header.comp) == ("/bin/tar", "/bin/tar -xpGf - ...", "N")
    assert header.dle_xml.startswith("<dle>") and "<disk>/home</disk>" in header.dle_xml
    index = place.top / "state" / "index" / "web1" / "_home" / f"{STAMP}_0.tix"
    with open_index(index) as found:
        assert lines_of(found) == [b"/", b"/a file"] and found.frames is None
    sums = index.with_name(f"{STAMP}_0.crcs")
    assert sorted(index.parent.iterdir()) == [sums, index]
    kept = decode(sums.read_bytes(), crc32c)
    assert (kept.crc, list(kept.frames)) == (crc, [crc32c(data[:FRAME]), crc32c(data[FRAME:])])
    assert "timestamp=" + STAMP in place.seen and "confirmed" in place.seen


def test_a_state_stream_is_kept_beside_the_index(place: Place) -> None:
    place.plays([["mesg", INFO], ["state", "0 /\n"], ["data", 10, 1], ["end"]], streams=["DATA", "MESG", "INDEX", "STATE"])
    assert isinstance(dumped(place), Done)
    state = place.top / "state" / "index" / "web1" / "_home" / f"{STAMP}_0.state.gz"
    assert gzip.decompress(state.read_bytes()) == b"0 /\n"


def test_a_connection_is_used_again_if_its_client_waits(place: Place) -> None:
    place.plays([["mesg", INFO], ["data", 1000, 1], ["end"]])
    with Dumper(place.config) as dumper:
        for number in (1, 2):
            path = place.holding / STAMP / f"x.{number}"
            dumper.tell(place.order(number=number, filename=str(path)))
            assert isinstance(dumper.hear(), Done)
            dumper.tell(Confirm(Handle(f"00-{number:05}")))
            assert stored(path) == data_of(1000, 1)
        dumper.tell(Quit())
        assert dumper.leave() == (0, "")
    assert place.seen.count("SERVICE sendbackup") == 2 and place.seen.count("gone") == 1


def test_a_stock_amandad_gets_a_fresh_connection_each_time(place: Place) -> None:
    place.plays([["mesg", INFO], ["data", 1000, 1], ["end"]], features=STOCK.text)
    with Dumper(place.config) as dumper:
        for number in (1, 2):
            dumper.tell(place.order(number=number, filename=str(place.holding / STAMP / f"x.{number}")))
            assert isinstance(dumper.hear(), Done)
        dumper.tell(Quit())
        dumper.leave()
    assert place.seen.count("gone") == 2 and "confirmed" not in place.seen


def test_what_came_before_the_client_fell_silent_is_told(place: Place) -> None:
    place.plays([["mesg", INFO], ["data", 300_000, 1], ["wait", str(place.top / "go")], ["die"]])
    with Dumper(place.config) as dumper:
        dumper.tell(place.order())
        while dumper.hear_progress().orig < 292:
            pass
        (place.top / "go").touch()
        lost = dumper.hear()
    assert isinstance(lost, TryAgain) and lost.message.endswith("; 293 KiB had come")


def test_a_kept_connection_that_died_is_made_anew(place: Place) -> None:
    place.plays([["mesg", INFO], ["data", 1000, 1], ["end"], ["wait", str(place.top / "go")], ["die"]])
    with Dumper(place.config) as dumper:
        dumper.tell(place.order(number=1))
        assert isinstance(dumper.hear(), Done)
        place.plays([["mesg", INFO], ["data", 2000, 2], ["end"]])
        (place.top / "go").touch()
        path = place.holding / STAMP / "x"
        dumper.tell(place.order(number=2, filename=str(path)))
        assert isinstance(dumper.hear(), Done)
        assert stored(path) == data_of(2000, 2)


def test_streams_that_come_before_they_were_asked_for_are_taken(place: Place) -> None:
    place.plays([["mesg", INFO], ["data", 100_000, 1], ["end"]], early=True)
    assert isinstance(dumped(place), Done)
    assert stored(place.path) == data_of(100_000, 1)


def test_strange_is_said_before_done(place: Place) -> None:
    odd = "".join(f"? tar: file {n} vanished\n" for n in range(30))
    place.plays([["mesg", INFO], ["data", 10, 1], ["mesg", odd], ["mesg", "odd\n"], ["end"]])
    with Dumper(place.config) as dumper:
        dumper.tell(place.order("|;max-warnings=2;"))
        strange = dumper.hear()
        assert isinstance(strange, Strange)
        assert strange.message.split("\n") == ["tar: file 0 vanished", "tar: file 1 vanished", "(29 more)"]
        assert isinstance(dumper.hear(), Done)


@pytest.mark.parametrize(("steps", "message"), [
    ([["mesg", INFO], ["end"]], "DMP010 web1:/home: got no data"),
    ([["mesg", INFO], ["data", 9, 1], ["eof", "DATA"], ["mesg", "sendbackup: end\n"], ["eof", "MESG"], ["eof", "INDEX"]],
     "DMP011 web1:/home: missing size line from sendbackup"),
    ([["mesg", INFO], ["data", 9, 1], ["eof", "DATA"], ["mesg", "sendbackup: size 1\n"], ["eof", "MESG"], ["eof", "INDEX"]],
     "DMP012 web1:/home: missing end line from sendbackup"),
    ([["mesg", INFO], ["data", 9, 1], ["mesg", "sendbackup: size 1\nsendbackup: client-CRC deadbeef:9\nsendbackup: end\n"],
      ["eof", "DATA"], ["eof", "MESG"], ["eof", "INDEX"]],
     "DMP013 web1:/home: client CRC (deadbeef:9) does not match data-in CRC ({crc})"),
    ([["mesg", INFO], ["data", 9, 1], ["mesg", "sendbackup: size 1\nsendbackup: native-CRC deadbeef:9\nsendbackup: end\n"],
      ["eof", "DATA"], ["eof", "MESG"], ["eof", "INDEX"]],
     "DMP014 web1:/home: native CRC (deadbeef:9) does not match data-in CRC ({crc})"),
    ([["mesg", INFO], ["data", 9, 1], ["mesg", "? tar: disk burns\nsendbackup: error [/bin/tar exited with 2]\n"],
      ["eof", "DATA"], ["eof", "MESG"], ["eof", "INDEX"]],
     "DMP015 web1:/home: [/bin/tar exited with 2]\ntar: disk burns"),
    ([["data", 9, 1], ["end"]],
     "DMP016 web1:/home: the client talks nonsense: data came before `sendbackup: info end`"),
    ([["mesg", "sendbackup: info BACKUP=two words\nsendbackup: info end\n"], ["data", 9, 1], ["end"]],
     "DMP016 web1:/home: the client talks nonsense: its description fits no header: 'two words' cannot be a word of a header"),
    ([["mesg", "x" * 70_000], ["end"]],
     "DMP016 web1:/home: the client talks nonsense: a line of MESG without end"),
])
def test_a_bad_dump_fails_and_leaves_nothing(place: Place, steps: list[list[object]], message: str) -> None:
    from crc32c import crc32c
    place.plays(steps)
    report = dumped(place)
    assert report == Failed("00-00001", message.replace("{crc}", str(Crc(crc32c(data_of(9, 1)), 9))))  # type: ignore[arg-type]
    assert place.left == []
    assert [path for path in (place.top / "state").rglob("*") if path.is_file()] == []


PACKED = INFO.replace("sendbackup: info end\n", "sendbackup: info COMPRESS_SUFFIX=.gz\nsendbackup: info end\n")


@pytest.mark.parametrize(("said", "kept"), [
    ("frame-CRCs 0 00000005", Crc(5, 100)), ("frame-CRCs 0 00000006", None), ("frame-CRCs 0 0000000500000005", None),
    ("", NO_CRC),
])
def test_checksums_of_a_client_that_compresses(place: Place, said: str, kept: Crc | None) -> None:
    """They are kept when they give the CRC that the client says of the whole; else that is told, and the dump is good."""
    frames = f"sendbackup: {said}\n" if said else ""
    place.plays([["mesg", PACKED], ["data", 9, 1], ["eof", "DATA"], ["eof", "INDEX"], ["mesg", (
        f"sendbackup: size 1\n{frames}sendbackup: native-CRC 5:100\nsendbackup: client-CRC {{crc}}\nsendbackup: end\n")],
        ["eof", "MESG"]])
    with Dumper(place.config) as dumper:
        dumper.tell(place.order("|;compress=client fast;"))
        report = dumper.hear()
        if kept is None:
            assert isinstance(report, Strange) and "VFY007 web1:/home: the client's checksums" in report.message, report
            report = dumper.hear()
        assert isinstance(report, Done), report
    files = list((place.top / "state").rglob("*.crcs"))
    assert [decode(path.read_bytes(), crc32c).crc for path in files] == ([kept] if kept and kept.known else [])


@pytest.mark.parametrize(("steps", "code", "words"), [
    ([["mesg", INFO], ["data", 200_000, 1], ["die"]], "CLT001", "killed by signal 9"),
    ([["die"]], "CLT001", "killed by signal 9"),
    ([["mesg", INFO], ["data", 9, 1], ["raw", "ffffffff00000001"]], "CLT003", "longer than"),
    ([["mesg", INFO], ["data", 9, 1], ["raw", b"Segmentation fault".hex()]], "CLT003", "Segmentation fault"),
    ([["mesg", INFO + 'sendbackup: retry delay 60 message "tape mounted"\n'], ["data", 1, 1], ["end"]], "DMP018",
     "web1:/home: the client asks to be tried again in 60 s: tape mounted"),
])
def test_a_dump_that_may_work_later(place: Place, steps: list[list[object]], code: str, words: str) -> None:
    place.plays(steps)
    report = dumped(place)
    assert isinstance(report, Retry if code == "DMP018" else TryAgain), report
    assert report.message.startswith(code) and words in report.message
    assert place.left == []


def test_a_silent_client_is_given_up(place: Place) -> None:
    place.plays([["mesg", INFO], ["data", 9, 1], ["hang"]])
    report = dumped(place, "|;data-timeout=0.3;")
    said = "DMP017 web1:/home: no more than 113 bytes came from the client for 0 s"
    assert report == TryAgain("00-00001", said)  # type: ignore[arg-type]
    assert "gone" in place.seen and place.left == []


def test_what_the_client_refuses(place: Place) -> None:
    place.plays([], reply="ERROR [cannot read /home]\n")
    report = dumped(place)
    assert isinstance(report, Failed) and report.message.startswith("CLT005") and "cannot read /home" in report.message
    place.plays([], reply='RETRY delay 5 level 1 message "busy"\n')
    report = dumped(place)
    assert isinstance(report, Retry) and (report.delay, report.level) == (5, 1) and report.message.startswith("CLT006")


def test_orders_that_make_no_sense(place: Place) -> None:
    place.plays([["mesg", INFO], ["data", 10, 1], ["end"]])
    with Dumper(place.config) as dumper:
        for order, words in (
            (place.order(host="web9"), "DMP001 web9:/home is not in"),
            (place.order("use=3"), "DMP002 web1:/home: options 'use=3' do not begin with"),
            (place.order("|;use=much;"), "DMP002 option use='much' is no number"),
            (place.order("|;index=perhaps;"), "DMP002 option index='perhaps' is neither yes nor no"),
            (place.order("|;compress=hard;"), "DMP002 option compress='hard' is no way to compress"),
            (place.order("|;data-timeout=soon;"), "DMP002 option data-timeout='soon' is no time in seconds"),
            (place.order("|;datestamp=today;"), "DMP002 web1:/home: datestamp 'today' is not YYYYMMDDhhmmss"),
            (place.order(level=400), "DMP002 web1:/home: level 400 is none of 0 to 399"),
            (place.port_order(70000), "DMP002 web1:/home: 70000 is no port"),
        ):
            dumper.tell(order)
            report = dumper.hear()
            assert isinstance(report, Failed) and words in report.message, report
        dumper.tell(place.order(filename=str(place.top / "gone" / "d" / "x")))
        report = dumper.hear()
        assert isinstance(report, TryAgain) and report.message.startswith("HLD010")
        dumper.tell(place.order())
        assert isinstance(dumper.hear(), Done)
        dumper.tell(place.order())
        report = dumper.hear()
        assert isinstance(report, Failed) and report.message.startswith("HLD013")


def test_garbage_from_the_driver_is_answered_and_nothing_else(place: Place) -> None:
    place.plays([["mesg", INFO], ["data", 10, 1], ["wait", str(place.top / "go")], ["end"]])
    with Dumper(place.config) as dumper:
        for garbage in (b"HELLO\n", b"FILE-DUMP\n", b"CONTINUE\n", b"ABORT\n", b"DONE 00-00001\n", b"\xff\n", b"\n",
                        b"x" * 200_000 + b"\n"):
            dumper.tell_raw(garbage)
            assert isinstance(dumper.hear(), BadCommand)
        dumper.tell(place.order())
        dumper.tell_raw(b"FILE-DUMP x\n")
        assert isinstance(dumper.hear(), BadCommand)
        (place.top / "go").touch()
        assert isinstance(dumper.hear(), Done)


def test_abort_kills_the_client_and_removes_the_file(place: Place) -> None:
    place.plays([["mesg", INFO], ["data", 100_000, 1], ["hang"]])
    with Dumper(place.config) as dumper:
        dumper.tell(place.order())
        dumper.tell(Abort("enough"))
        assert dumper.hear() == AbortFinished("00-00001")  # type: ignore[arg-type]
        assert place.left == []
        place.plays([["mesg", INFO], ["data", 10, 1], ["end"]])
        dumper.tell(place.order(number=2))
        assert isinstance(dumper.hear(), Done)


def test_an_abort_that_crosses_done_is_answered_and_harms_nothing(place: Place) -> None:
    place.plays([["mesg", INFO], ["data", 10, 1], ["end"]])
    with Dumper(place.config) as dumper:
        dumper.tell(place.order())
        done = dumper.talk.vocabulary.decode(dumper._line())
        assert isinstance(done, Done)
        dumper.tell(Abort())
        assert isinstance(dumper.hear(), AbortFinished)
        assert place.left == ["web1._home.0"]


@pytest.mark.parametrize("how", ["eof", "quit", "term"])
def test_the_dumper_leaves_in_the_middle_of_a_dump(place: Place, how: str) -> None:
    place.plays([["mesg", INFO], ["data", 100_000, 1], ["hang"]])
    with Dumper(place.config) as dumper:
        dumper.tell(place.order())
        while "hanging" not in place.seen:
            assert dumper.process.poll() is None
        match how:
            case "quit":
                dumper.tell(Quit())
            case "term":
                dumper.process.terminate()
        assert dumper.leave() == (0, "")
    assert place.left == []


def test_sigint_is_not_for_the_dumper(place: Place) -> None:
    import signal
    place.plays([["mesg", INFO], ["data", 10, 1], ["end"]])
    with Dumper(place.config) as dumper:
        dumper.tell(place.order(number=1, filename=str(place.holding / STAMP / "x")))
        assert isinstance(dumper.hear(), Done)
        dumper.process.send_signal(signal.SIGINT)
        dumper.tell(place.order(number=2))
        assert isinstance(dumper.hear(), Done)


def test_an_unwritable_index_makes_a_dump_strange(place: Place) -> None:
    (place.top / "state").write_text("a file")
    place.plays([["mesg", INFO], ["index", "/\n"], ["data", 10, 1], ["end"]])
    with Dumper(place.config) as dumper:
        dumper.tell(place.order())
        strange = dumper.hear()
        assert isinstance(strange, Strange)
        assert strange.message.startswith("DMP019") and "could not be written" in strange.message
        assert isinstance(dumper.hear(), Done)


def test_names_that_are_hard_to_write(place: Place) -> None:
    place.plays([["mesg", INFO], ["data", 10, 1], ["end"]])
    path = place.holding / STAMP / "web1._a b.0"
    with Dumper(place.config) as dumper:
        dumper.tell(place.order(disk="/a b", filename=str(path)))
        assert isinstance(dumper.hear(), Done)
    assert parse(path.read_bytes()[:HEADER_SIZE]).disk == "/a b"
    assert CLIENT.text


@pytest.mark.parametrize("arguments", [[], ["one", "two"], ["/nonexistent/taperoom.toml"]])
def test_a_start_without_a_configuration(arguments: list[str], tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-P", "-m", "core.dumper", *arguments], cwd=tmp_path, capture_output=True,
                          text=True, env={"PYTHONPATH": str(ROOT)}, timeout=60)
    assert done.returncode == 2 and done.stdout == "" and "Traceback" not in done.stderr
    assert done.stderr.startswith("DMP022" if len(arguments) != 1 else "CFG002")
