"""What people and administrators type: dates, sizes and times, names of disks, `.amandahosts`; and a volume's description."""

from __future__ import annotations

import atexit
import io
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from crc32c import crc32c

from clientd.amandahosts import permitted
from core.client.recall import amanda_date
from core.description.archive import Archive, Member, header_of
from core.description.reading import Found, read
from core.errors import UsageError
from core.holding.header import Header
from core.model import units
from core.model.dump import Crc
from core.restore.asof import parse_as_of
from core.restore.spec import parse_spec
from tests.fuzz.mutate import inputs
from tests.fuzz.records import journal_seeds

NOW = 1795395134.0
UNITS: tuple[Callable[[str], float], ...] = (
    units.parse_size, units.parse_duration, units.parse_bandwidth, units.seconds_of_datestamp, units.seconds_of_dumpdate)
_work = Path(tempfile.mkdtemp(prefix="taperoom-fuzz-"))
atexit.register(shutil.rmtree, _work, ignore_errors=True)


def dates(data: bytes) -> None:
    """A moment: a datestamp, or RST010; and numbers with units: finite, or ValueError."""
    text = data.decode("utf-8", "surrogateescape")
    for said in (text, amanda_date(text, NOW)):
        try:
            found = parse_as_of(said, NOW)
        except UsageError as fault:
            assert fault.code == "RST010"
        else:
            assert len(found) == 14 and found.isdigit() and found.isascii()
    for parse in UNITS:
        try:
            assert abs(parse(text)) < 1e60
        except ValueError:
            pass


def specs(data: bytes) -> None:
    """``HOST:DISK:PATH``: one of the known disks, or a UsageError."""
    known = [("web1", "/home"), ("web1", "/home/a:b"), ("::1", "C:\\"), ("db", "/")]
    try:
        found = parse_spec(data.decode("utf-8", "surrogateescape"), known)
    except UsageError:
        return
    assert (found.host, found.disk) in known and ".." not in found.path.split("/")


def hosts(data: bytes) -> None:
    """Any text in `.amandahosts` permits somebody or not, and nobody whom it does not name."""
    file = _work / ".amandahosts"
    file.write_bytes(data)
    file.chmod(0o600)
    for name, address in (("server", "192.0.2.7"), ("localhost", "::1"), ("x" * 5000, "fe80::1%eth0")):
        if not permitted(file, "amandabackup", name, address, "root", "sendbackup"):
            assert name.encode()[:9].lower() in data.lower()


@dataclass
class Shelf:
    """A volume with one file, as `core.description.reading` uses it."""

    data: bytes

    def open_part(self, fileno: int) -> IO[bytes]:
        """The file's data."""
        return io.BytesIO(self.data)


def descriptions(data: bytes) -> None:
    """A volume's description, with the checksum that it has and with another: files in their places, or warnings."""
    for crc in (Crc(crc32c(data), len(data)), Crc(7, 7)):
        index, said = _work / "index", list[str]()
        header: Header = header_of("20261123001500", crc)
        read(Found("main", "T-1", "20261123001500", Shelf(data), [1], 1, header), index, said.append)  # type: ignore[arg-type]
        assert all(text.startswith("RST061 ") for text in said)
        for top, _, names in os.walk(_work):
            assert Path(top).is_relative_to(_work) and not any(name.endswith(".tmp") for name in names)


def archives() -> list[bytes]:
    """Whole descriptions, and one that leads outside."""
    import gzip

    journal = gzip.compress(journal_seeds()[0], mtime=0)
    good = [Member.of("README", b"read me\n"), Member.of("tapelist", b"0 T-1 reuse\n"),
            Member.of("runs/20261123001500/journal.jsonl.gz", journal), Member.of("index/h/_d/20261123001500_0.tix", b"index")]
    bad = [Member.of("index/../../20261123001500_0.x", b"x"), Member.of("../" * 40 + "etc", b"x"), *good[2:]]
    return [b"".join(Archive(members, 1795395130).pieces()) for members in (good, good[:1], bad)]


TARGETS = {
    "dates": (dates, inputs([
        b"2026-01-31 03:15", b"31 january 2026", b"2 days ago", b"last tuesday 10pm", b"20261123001500", b"1970:1:1:0:0:0",
        b"10 GiB", b"-1.5 h", b"900 Mbps", b"99 years ago", b"---14", b"2026-02-30"], (
        b" ago", b" months", b"last ", b"noon", b":", b"-", b"12", b"feb", b"\xd9\xa3", b"0001"))),
    "specs": (specs, inputs([b"web1:/home:/a/../b", b"::1:C:\\:x", b"db:/", b"web1:/home/a:b"], (b":", b"/", b"..", b"web1"))),
    "amandahosts": (hosts, inputs([b"server root amdump\n# x\nlocalhost root\nother\n"], (
        b"server", b" root", b" amdump", b"#"))),
    "descriptions": (descriptions, inputs(archives(), (
        b"ustar  \0", b"L", b"K", b"x", b"S", b"index/a/b/20261123001500_0.y",
        b"\x80\xff\xff\xff\xff\xff\xff\xff", bytes(512)))),
}
