"""The dumper with our own client and real tar: what is on the holding disk is what is in the directory."""

from __future__ import annotations

import gzip
import os
import socket
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from crc32c import crc32c

from core.holding.header import HEADER_SIZE, parse
from core.index.names import clean_path
from core.index.reader import IndexReader, open_index
from core.index.record import Mark
from core.model.framesums import FRAME, decode
from core.protocol.dumper import Confirm, Continue, Done, Failed, NoRoom, Strange, TryAgain
from core.wire.tar_quoting import unquote_name
from tests.support.dumper import STAMP, Dumper, Place
from tests.support.holding import data_of as stored
from tests.support.indexes import lines_of


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("TAPEROOM_CLIENT_STATE", str(tmp_path / "client"))
    found = Place(tmp_path)
    tree = tmp_path / "tree"
    (tree / "sub dir").mkdir(parents=True)
    (tree / "big").write_bytes(os.urandom(1_000_000))
    (tree / "sub dir" / "ü\n").write_text("odd name")
    return found


def configured(place: Place, compress: str) -> None:
    place.configure(compress=compress, amandad="")
    text = place.config.read_text().replace('disk = "/home"', f'disk = "{place.top}/tree"')
    place.config.write_text(text)


def dumped(place: Place, dumper: Dumper, level: int, options: str = "|;") -> Path:
    path = place.holding / STAMP / f"tree.{level}"
    dumper.tell(place.order(options, disk=f"{place.top}/tree", level=level, filename=str(path)))
    while not isinstance(report := dumper.hear(), Done):
        assert isinstance(report, NoRoom | Strange), report
        if isinstance(report, NoRoom):
            dumper.tell(Continue())
    dumper.tell(Confirm(report.handle))
    return path


@pytest.mark.parametrize("compress", ["none", "client fast", "client best", "server fast", "server best"])
def test_a_tree_and_its_change(place: Place, compress: str) -> None:
    configured(place, compress)
    with Dumper(place.config) as dumper:
        full = dumped(place, dumper, 0, "|;use=160;")
        (place.top / "tree" / "new").write_text("later")
        incremental = dumped(place, dumper, 1)
    names = []
    for path in (full, incremental):
        header = parse(path.read_bytes()[:HEADER_SIZE])
        raw = stored(path)
        assert (header.comp == ".gz") == (compress != "none") and header.server.size == len(raw)
        assert header.native.known and header.client.known and header.orig_kib > 0
        if header.comp == ".gz":
            assert header.uncompress == "/bin/gzip -dc"
            raw = gzip.decompress(raw)
        assert header.native.size == len(raw)
        [kept] = (place.top / "state" / "index" / "web1").glob(f"*/*_{header.level}.crcs")
        sums = decode(kept.read_bytes(), crc32c)
        assert sums.crc == header.native
        assert list(sums.frames) == [crc32c(raw[at:at + FRAME]) for at in range(0, len(raw), FRAME)], "of the archive, unpacked"
        listed = subprocess.run(["tar", "-t", "--quoting-style=escape"], input=raw, capture_output=True, check=True,
                                env={**os.environ, "LC_ALL": "C"})
        names.append(listed.stdout.decode().splitlines())
    assert set(names[0]) == {"./", "./big", "./sub dir/", r"./sub dir/\303\274\n"}
    assert "./new" in names[1] and "./big" not in names[1]
    index = place.top / "state" / "index" / "localhost"
    assert not index.exists()
    for level, path in enumerate((full, incremental)):
        with open_index(next((place.top / "state" / "index" / "web1").glob(f"*/*_{level}.tix"))) as found:
            check_offsets(found, stored(path), place.top / "tree")
            if level:
                assert {b"/new", b"\t/big"} <= set(lines_of(found)) and found.exact and found.renames == []


@pytest.mark.skipif(not os.path.exists("/usr/bin/zstd"), reason="NOT TESTED: zstd is not installed (apt-get install zstd)")
@pytest.mark.parametrize("side", ["client", "server"])
def test_zstd_is_made_in_frames_on_either_side(place: Place, monkeypatch: pytest.MonkeyPatch, side: str) -> None:
    (place.top / "access.toml").write_text('filters = ["/usr/bin/zstd"]\n')
    monkeypatch.setenv("TAPEROOM_CLIENT_ACCESS", str(place.top / "access.toml"))
    (place.top / "tree" / "more").write_bytes(os.urandom(1 << 20) * 5)
    place.configure(compress=f"{side} custom", amandad="", more='compress_program = "/usr/bin/zstd"')
    place.config.write_text(place.config.read_text().replace('disk = "/home"', f'disk = "{place.top}/tree"'))
    with Dumper(place.config) as dumper:
        path = dumped(place, dumper, 0)
    raw, header = stored(path), parse(path.read_bytes()[:HEADER_SIZE])
    assert (header.comp, header.uncompress) == ("cust", "/usr/bin/zstd -d") and len(raw) < 4_000_000
    whole = subprocess.run(["/usr/bin/zstd", "-dc"], input=raw, capture_output=True, check=True).stdout
    assert header.native.size == len(whole)
    with open_index(next((place.top / "state" / "index" / "web1").glob("*/*_0.tix"))) as found:
        frames, record = found.frames, found.find(b"sub dir/\xc3\xbc\n")
    assert frames is not None and record is not None and len(frames) == 2 and sum(frames.sizes) == len(raw)
    begin = frames.begin(frames.frame_of(record.offset))
    alone = subprocess.run(["/usr/bin/zstd", "-dc"], input=raw[begin:], capture_output=True, check=True).stdout
    assert alone == whole[frames.unit * frames.frame_of(record.offset):]


def check_offsets(index: IndexReader, raw: bytes, tree: Path) -> None:
    """Where the index says that a member begins, there it begins, also when reading starts at its frame."""
    frames = index.frames
    whole = raw if frames is None else gzip.decompress(raw)
    said = subprocess.run(["tar", "-tR", "--quoting-style=escape"], input=whole, capture_output=True, check=True,
                          env={**os.environ, "LC_ALL": "C"}).stdout
    members = {clean_path(unquote_name(line.partition(b": ")[2])): int(line.split(b" ")[1].rstrip(b":")) * 512
               for line in said.splitlines() if b"** Block of NULs **" not in line}
    records = {one.path: one for one in index.walk(b"") if one.mark is not Mark.PRESENT}
    assert {path: one.offset for path, one in records.items()} == members
    for path, record in records.items():
        there = os.lstat(os.fsencode(tree) + b"/" + path)
        if record.kind == "d":
            assert record.mark is Mark.DIRECTORY and record.size == 0 and record.mtime > 0
        else:
            assert (record.size, record.mtime, record.kind) == (there.st_size, int(there.st_mtime), "f")
        if frames is not None:
            begin = frames.begin(number := frames.frame_of(record.offset))
            piece = gzip.decompress(raw[begin:begin + frames.sizes[number]])
            assert piece == whole[number * frames.unit:][:frames.unit]


def test_a_disk_that_is_not_there(place: Place) -> None:
    configured(place, "none")
    with Dumper(place.config) as dumper:
        dumper.tell(place.order(disk="/a b"))
        report = dumper.hear()
    assert isinstance(report, Failed | TryAgain) and "/a b" in report.message
    assert place.left == []


@pytest.mark.parametrize("straight", [False, True])
def test_a_confirmed_dump_counts_even_if_the_dumper_leaves_at_once(place: Place, straight: bool) -> None:
    configured(place, "none")
    lists = place.top / "client" / "gnutar-lists"
    for number in range(5):
        with socket.create_server(("127.0.0.1", 0)) as taper, Dumper(place.config) as dumper:
            if straight:
                dumper.tell(replace(place.port_order(taper.getsockname()[1]), disk=f"{place.top}/tree"))
                peer, _ = taper.accept()
                with peer:
                    while peer.recv(65536):
                        pass
                assert isinstance(dumper.hear(), Done)
                assert [path.suffix for path in lists.iterdir()] == [".new"]
                dumper.tell_raw(b"CONFIRM 00-00001\nQUIT\n")
            else:
                dumper.tell(place.order(disk=f"{place.top}/tree", filename=str(place.holding / STAMP / f"x.{number}")))
                assert isinstance(dumper.hear(), Done)
                assert [path.suffix for path in lists.iterdir()] == [".new"]
                dumper.tell_raw(b"CONFIRM 00-00001\nQUIT\n")
            dumper.leave()
        assert [path.suffix for path in lists.iterdir()] == [""]
        next(lists.iterdir()).unlink()
