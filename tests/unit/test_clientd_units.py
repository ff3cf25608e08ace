"""The client's smaller parts: snapshots, access, settings, the choice of streams."""

from __future__ import annotations

import json
import os
import pwd
from pathlib import Path
from typing import cast

import pytest
from crc32c import crc32c

from clientd import settings
from clientd.access import Access, read_access
from clientd.estimate import is_small
from clientd.pipes import enlarge
from clientd.pump import pump
from clientd.selection import Matcher
from clientd.services.checklist import JsonList, PlainList
from clientd.settings import Settings, read_settings
from clientd.snapshots import Snapshots, name_sum, read_base
from clientd.streams import Streams, WireStreams
from core.codes import lookup
from core.errors import WorldError
from core.holding.chunk import SLICE
from core.holding.header import HEADER_SIZE
from core.model.dump import Crc
from core.wire.features import Features
from core.wire.frames import HEADER, LARGE_PIECE, PIECE, FrameReader
from core.wire.tar_index import TarIndexer
from core.wire.tar_quoting import index_path, quote_name
from core.wire.transports.connection import BUFFER

GOLDEN = Path(__file__).parents[1] / "golden" / "amanda-3.5.1" / "gnutar-lists"


def test_a_real_snapshot() -> None:
    base = read_base(GOLDEN / "localhost_srv_amdata_alpha_0", 65024)
    assert base is not None
    assert base.time == 1795395139_510140503
    assert base.known(1853796) == name_sum(b".")
    assert base.known(1853803) == name_sum(b"./docs/name with space")
    assert base.known(1) is None
    other = read_base(GOLDEN / "localhost_srv_amdata_alpha_0", 1)
    assert other is not None and other.known(1853796) is None, "another device's directories are unknown"


@pytest.mark.parametrize(
    "data", [b"", b"GNU tar-1.34-2\n", b"GNU tar-1.34-1\n1\n", b"hello", b"GNU tar-1.34-2\nx\0y\0z\0", b"\0" * 90]
)
def test_snapshots_that_are_none(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "s").write_bytes(data)
    assert read_base(tmp_path / "s", 1) is None
    assert read_base(tmp_path / "none", 1) is None


def test_the_life_of_a_snapshot(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path / "lists")
    assert snapshots.base("web1", "/srv/x:y", 3) is None
    full = snapshots.begin("web1", "/srv/x:y", 0)
    full.file.write_text("full")
    full.commit()
    assert [path.name for path in snapshots.directory.iterdir()] == ["web1_srv_x_y_0"]
    two = snapshots.begin("web1", "/srv/x:y", 2)
    assert two.file.read_text() == "full", "level 2 without a level 1 goes on from the full dump"
    with pytest.raises(WorldError, match="CLT033 /srv/x:y is being dumped already"):
        snapshots.begin("web1", "/srv/x:y", 2)
    two.discard()
    two.discard()
    assert snapshots.base("web1", "/srv/x:y", 0) is None
    again = snapshots.begin("web1", "/srv/x:y", 0)
    assert again.file.read_text() == "", "a full dump goes on from nothing"
    again.discard()
    long = "/" + "n" * 4000
    assert len(snapshots.path("web1", long, 7).name) < 255
    assert snapshots.path("web1", long, 7) != snapshots.path("web1", long + "m", 7)
    assert snapshots.path("../..", "/x", 0).parent == snapshots.directory


def test_access(tmp_path: Path) -> None:
    assert read_access(tmp_path / "none") == Access()
    file = tmp_path / "access.toml"
    file.write_text('services = []\ndisks = ["/srv/*"]\nfilters = ["/bin/zstd"]\n')
    access = read_access(file)
    assert access.service("noop") and not access.service("sendbackup")
    access.check_disk("/srv/a")
    access.check_filter("/bin/zstd")
    for check, text in [
        (lambda: access.check_disk("/etc"), "/etc: the client's access file does not permit this disk"),
        (lambda: access.check_filter("/bin/sh"), "does not permit this compression program"),
    ]:
        with pytest.raises(WorldError, match=text):
            check()
    file.write_text('attributes = ["xattrs", "acls"]\n')
    assert read_access(file) == Access(attributes=("xattrs", "acls"))
    for text in ("x = 1", "attributes = ['xattr']", "attributes = 'acls'", "disks = ['a', 1]", "= 3", "\udc00"):
        file.write_bytes(text.encode("utf-8", "surrogatepass"))
        with pytest.raises(WorldError, match="CLT026 the access file"):
            read_access(file)


def test_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = read_settings({}, root=True)
    assert (root.state, root.access, root.tar) == (
        Path("/var/lib/taperoom-client"),
        Path("/etc/taperoom-client/access.toml"),
        "/bin/tar",
    )
    monkeypatch.setattr(settings, "STATE", tmp_path / "state")
    user = read_settings({"HOME": "/home/ana"}, root=False)
    assert user.state == Path("/home/ana/.local/state/taperoom-client")
    (tmp_path / "state").mkdir()
    assert read_settings({"HOME": "/home/ana"}, root=False).state == tmp_path / "state", "it was made for this user"
    monkeypatch.setattr(settings, "STATE", Path("/proc/1"))
    monkeypatch.setattr(os, "geteuid", lambda: 7)
    assert read_settings({"HOME": "/home/ana"}, root=False).state == user.state, "that is another's"
    monkeypatch.undo()
    assert root.applications == Path("/usr/lib/amanda/application")
    assert root.amandahosts == Path(pwd.getpwuid(os.geteuid()).pw_dir) / ".amandahosts"
    chosen = read_settings({"TAPEROOM_CLIENT_STATE": "/s", "TAPEROOM_CLIENT_TAR": "/t", "TAPEROOM_CLIENT_ACCESS": "/a",
                            "TAPEROOM_CLIENT_AMANDAHOSTS": "/h", "TAPEROOM_CLIENT_APPLICATIONS": "/b"})
    assert chosen == Settings(Path("/s"), "/t", Path("/a"), amandahosts=Path("/h"), applications=Path("/b"))


@pytest.mark.parametrize("pattern", ["[[:alpha:]]", "[a\\]]", "[abc", "\\", "[a-]", "[-a]", "[[.a.]]"])
def test_patterns_beyond_us_are_left_to_tar(pattern: str) -> None:
    with pytest.raises(ValueError):
        Matcher((pattern,))


def test_no_pattern_excludes_nothing() -> None:
    matcher = Matcher(())
    assert not matcher and not matcher.excludes("./a")


def test_names_as_tar_prints_them() -> None:
    assert quote_name(b"a b\\\n\t\a\b\v\f\r\x7f\xc3\xbc") == b"a b\\\\\\n\\t\\a\\b\\v\\f\\r\\177\\303\\274"
    assert index_path(b"./") == b"/"
    assert index_path(b"a") == b"/a" == index_path(b"/a")


def test_numbers_of_a_header_that_are_none() -> None:
    found: list[bytes] = []
    block = bytearray(512)
    block[:3], block[124:136], block[156:157] = b"./x", b"nonsense\0\0\0\0", b"0"
    indexer = TarIndexer(lambda offset, name, *more: found.append(name))
    indexer.feed(memoryview(bytes(block) * 2))
    assert found == []


def test_small_trees(tmp_path: Path) -> None:
    assert is_small(str(tmp_path))
    assert is_small(str(tmp_path / "none"))
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "big").write_bytes(bytes(1024 * 1024))
    assert not is_small(str(tmp_path))


def test_frames_of_a_stream(tmp_path: Path) -> None:
    """However long a piece is, frames keep the peer's limit, and nothing is lost in short writes."""
    import threading

    reader, writer = os.pipe()
    go, let = os.pipe()
    os.write(let, b"xx")
    streams = WireStreams(writer, go, 100, 10)
    assert streams.open(["DATA", "MESG"]) == {"DATA": 100, "MESG": 99}
    assert streams.begin()
    data = os.urandom(200_003)
    frames, longest, received = FrameReader(), 0, bytearray()

    def send() -> None:
        streams.write("MESG", b"hello")
        streams.write("MESG", b"")
        streams.write("INDEX", b"not open")
        streams.write("DATA", data)
        streams.end("DATA")
        streams.end("DATA")
        streams.end("MESG")
        os.close(writer)

    thread = threading.Thread(target=send)
    thread.start()
    ends: list[int] = []

    def sink(handle: int, piece: memoryview) -> None:
        nonlocal longest
        longest = max(longest, len(piece))
        if not piece:
            ends.append(handle)
        elif handle == 100:
            received.extend(piece)

    while got := os.read(reader, 7000):
        frames.feed(memoryview(got), sink)
    thread.join()
    assert (bytes(received), longest, ends) == (data, 10, [100, 99])
    assert streams.confirmed()
    for descriptor in (reader, go, let):
        os.close(descriptor)


def test_each_frame_of_plain_data_fills_a_slice_of_the_holding_file(tmp_path: Path) -> None:
    class Kept:
        """Streams that keep what is written."""

        def __init__(self) -> None:
            self.pieces: list[bytes] = []

        def write(self, name: str, data: bytes | memoryview) -> None:
            assert name == "DATA"
            self.pieces.append(bytes(data))

        def relay(self, name: str, source: int) -> None:
            """A file is no pipe."""

    data = os.urandom(5 * SLICE)
    (tmp_path / "archive").write_bytes(data)
    kept = Kept()
    source = os.open(tmp_path / "archive", os.O_RDONLY)
    try:
        native, stored = pump(source, cast(Streams, kept), "", "", None)
    finally:
        os.close(source)
    assert b"".join(kept.pieces) == data and native is stored and native.size == len(data)
    at = HEADER_SIZE
    for piece in kept.pieces[:-1]:
        at += len(piece)
        assert at % SLICE == 0 and len(piece) + HEADER.size <= BUFFER
    assert len(kept.pieces) == 6


def test_plain_data_go_from_pipe_to_pipe_in_whole_frames(tmp_path: Path) -> None:
    """What tar's pipe held is on the wire byte for byte, in frames that fill a slice of the holding file, summed on its way;
    other streams come in between, and a wire that is full is waited for."""
    import threading

    source, fill = os.pipe()
    reader, writer = os.pipe()
    go, let = os.pipe()
    enlarge(source)
    data = os.urandom(7 * SLICE + 12345)
    streams = WireStreams(writer, go, 100, LARGE_PIECE)
    streams.open(["DATA", "MESG", "INDEX"])
    assert streams.relay("STATE", source) is None and streams.relay("DATA", source) is not None
    sums: list[Crc] = []
    seen = bytearray()

    def look(piece: memoryview) -> None:
        seen.extend(piece)
        streams.write("INDEX", b"name\n")

    def tar() -> None:
        with open(fill, "wb") as out:
            out.write(data)

    def send() -> None:
        streams.write("MESG", b"hello")
        sums.extend(each.crc for each in pump(source, streams, "", "", look))
        streams.end("DATA")
        os.close(writer)

    threads = [threading.Thread(target=tar), threading.Thread(target=send)]
    for thread in threads:
        thread.start()
    frames, received = FrameReader(), {100: bytearray(), 99: bytearray(), 98: bytearray()}

    def sink(handle: int, piece: memoryview) -> None:
        received[handle].extend(piece)

    while got := os.read(reader, 10_007):
        frames.feed(memoryview(got), sink)
    for thread in threads:
        thread.join()
    assert received[100] == seen == data and received[99] == b"hello" and frames.between
    assert set(bytes(received[98]).split(b"\n")) == {b"name", b""}
    assert sums == [Crc(crc32c(data), len(data))] * 2
    for descriptor in (source, reader, go, let):
        os.close(descriptor)


def test_a_server_that_left_ends_the_way_from_pipe_to_pipe() -> None:
    source, fill = os.pipe()
    reader, writer = os.pipe()
    os.write(fill, b"x" * 1000)
    os.close(fill)
    os.close(reader)
    streams = WireStreams(writer, source, 100, LARGE_PIECE)
    streams.open(["DATA"])
    with pytest.raises(BrokenPipeError):
        pump(source, streams, "", "", None)
    for descriptor in (source, writer):
        os.close(descriptor)


def test_what_is_no_pipe_and_a_peer_of_short_frames_get_copies(tmp_path: Path) -> None:
    source, fill = os.pipe()
    with open(tmp_path / "file", "wb") as file:
        for wire, piece in ((file.fileno(), LARGE_PIECE), (fill, PIECE)):
            streams = WireStreams(wire, source, 100, piece)
            streams.open(["DATA"])
            assert streams.relay("DATA", source) is None
    for descriptor in (source, fill):
        os.close(descriptor)


@pytest.mark.parametrize("code", [f"CLT{number:03}" for number in (*range(1, 14), *range(20, 34))])
def test_every_code_has_its_page(code: str) -> None:
    page = lookup(code)
    assert page is not None and page.title and page.meaning.endswith(".") and page.action.endswith(".")


def test_a_checklist_in_both_forms() -> None:
    plain: list[str] = []
    listed: list[str] = []
    for made in (PlainList(plain.append), JsonList(listed.append, "web1")):
        made.features(Features(), "web1")
        made.well("/srv/ü b")
        made.wrong('CLT021 "/x"\n does not exist')
        made.end()
    empty = Features().text
    assert "".join(plain) == (
        f'OPTIONS features={empty};hostname=web1;\nOK /srv/ü b\nERROR [CLT021 "/x" does not exist]\n')
    head, _, rest = "".join(listed).partition("\n")
    assert head == "MESSAGE JSON" and rest.endswith("}\n")
    messages = json.loads(f"[{rest}]")
    assert [(message["severity"], message["message"]) for message in messages] == [
        ("info", f"OPTIONS features={empty};hostname=web1;"), ("info", "/srv/ü b"),
        ("error", 'CLT021 "/x" does not exist')]
    assert all(isinstance(value, str) and message["hostname"] == "web1" for message in messages for value in message.values())
    assert next(iter(messages[0])) == "source_filename" and messages[0]["features"] == empty
