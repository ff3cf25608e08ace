"""Codecs of the wire: what is written is read again, and garbage gives values or ProtocolError, never anything else."""

from __future__ import annotations

import contextlib
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from core.errors import ProtocolError
from core.model.disk import Compression, Disk, Dumptype, Host
from core.model.dump import Crc
from core.wire import exchange
from core.wire.dle_xml import read_dles
from core.wire.features import SERVER, STOCK, Features
from core.wire.frames import FrameReader, frame
from core.wire.mesg import MAX_LINE, Mesg, parse_retry
from core.wire.packets import Assembler, Kind, Packet, decode, encode
from core.wire.requests import read_request, size_error_line, size_line, split_service
from core.wire.services import (
    parse_backup,
    parse_features,
    parse_selfcheck,
    parse_sendsize,
    sendbackup_request,
    sendsize_request,
)
from core.wire.words import clean, first_word, quote, unquote
from core.wire.xml import read, write

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=()), max_size=40).map(
    lambda text: text.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")
)
names = texts.filter(bool)
garbage = st.one_of(st.binary(max_size=300), st.binary(max_size=60).map(lambda data: b"\0\0\0\x05\0\0\0\x01" + data))
xmlish = st.lists(
    st.sampled_from(
        [
            "<dle>",
            "</dle>",
            "<disk>",
            "</disk>",
            "/srv",
            "<level>0</level>",
            "<program>GNUTAR</program>",
            "&lt;",
            "&#x41;",
            "&bad;",
            '<disk encoding="raw" raw="L3M=">',
            "<disk>/s</disk>",
            "<a/>",
            "<",
            ">",
            "&",
            "<!DOCTYPE x>",
            "<![CDATA[x]]>",
            " ",
            "<exclude>",
            "</exclude>",
            "<file>x</file>",
            "<compress>FAST</compress>",
            "<record>NO</record>",
        ]
    ),
    max_size=14,
).map("".join)


@given(st.lists(st.tuples(st.integers(1, 2**32 - 1), st.binary(max_size=50)), max_size=8), st.data())
def test_frames_come_back_however_they_are_cut(frames: list[tuple[int, bytes]], data: st.DataObject) -> None:
    wire = b"".join(frame(handle, body) for handle, body in frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=6)))
    reader, found, parts = FrameReader(), [], bytearray()

    def sink(handle: int, piece: memoryview) -> None:
        parts.extend(piece)
        if reader.whole:
            found.append((handle, bytes(parts)))
            parts.clear()

    for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True):
        reader.feed(memoryview(wire)[start:end], sink)
    assert found == frames
    assert reader.between


@given(st.lists(st.tuples(st.sampled_from([7, 8]), st.binary(max_size=40)), max_size=12), st.binary(max_size=12), st.data())
def test_joined_pieces_say_the_same_and_no_more_often_than_streams_change(
    frames: list[tuple[int, bytes]], tail: bytes, data: st.DataObject
) -> None:
    wire = b"".join(frame(handle, body) for handle, body in frames) + tail
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=6)))
    plain, joined = FrameReader(), FrameReader()
    for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True):
        heard: list[list[tuple[int, bytes]]] = [[], []]
        faults = ["", ""]
        for number, feed in enumerate((plain.feed, joined.feed_joined)):
            try:
                feed(memoryview(bytearray(wire[start:end])),
                     lambda handle, piece, to=heard[number]: to.append((handle, bytes(piece))))  # type: ignore[misc]
            except ProtocolError as fault:
                faults[number] = str(fault)
        expected: list[tuple[int, bytes]] = []
        for handle, piece in heard[0]:
            if expected and piece and expected[-1][1] and expected[-1][0] == handle:
                expected[-1] = (handle, expected[-1][1] + piece)
            else:
                expected.append((handle, piece))
        assert heard[1] == expected and faults[0] == faults[1]
        if faults[0]:
            return
        assert (plain.left, plain.size, plain.between) == (joined.left, joined.size, joined.between)


@given(st.lists(garbage, max_size=4))
def test_garbage_is_frames_or_a_protocol_error(pieces: list[bytes]) -> None:
    reader = FrameReader()
    packets = Assembler(reader)
    with contextlib.suppress(ProtocolError):
        for piece in pieces:
            reader.feed(memoryview(piece), lambda handle, part: packets.add(part) if len(part) else None)


@given(st.sampled_from(Kind), texts)
def test_packets(kind: Kind, body: str) -> None:
    wire = encode(7, Packet(kind, body))
    assert decode(wire[8:]) == Packet(kind, body)
    if body:
        assert decode(wire[8:-1]) == Packet(kind, body), "a packet without its NUL is good, too"


@given(garbage)
def test_no_packet_is_a_surprise(data: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        decode(data)


@given(st.frozensets(st.integers(0, 400)))
def test_features(bits: frozenset[int]) -> None:
    assert Features.parse(Features(bits).text) == Features(bits)


@given(st.text(max_size=20))
def test_features_from_anything(text: str) -> None:
    with contextlib.suppress(ProtocolError):
        Features.parse(text)


@given(texts)
def test_words(text: str) -> None:
    word = quote(text)
    assert unquote(word) == text
    assert first_word(f"{word} 0 SIZE 1") == (text, "0 SIZE 1")
    assert word.isprintable() or not clean(text).isprintable() or "\n" not in word


@given(texts)
def test_cleaned_text_is_one_printable_line(text: str) -> None:
    assert clean(text).isprintable()
    assert len(clean(text, 10)) <= 11


@given(names)
def test_xml_values(value: str) -> None:
    (element,) = read(write("disk", value))
    assert (element.name, element.text) == ("disk", value)


@given(xmlish)
def test_xml_from_anything(text: str) -> None:
    for reader in (read, read_dles):
        with contextlib.suppress(ProtocolError):
            reader(text)


disks = st.builds(
    Disk,
    st.builds(Host, st.just("h"), maxdumps=st.integers(1, 9)),
    names.map(lambda name: "/" + name),
    st.builds(
        Dumptype,
        compress=st.sampled_from(Compression),
        compress_program=st.just("/bin/zstd x"),
        index=st.booleans(),
        record=st.booleans(),
        exclude=st.lists(names, max_size=3).map(tuple),
        include_list=st.lists(names, max_size=2).map(tuple),
    ),
    spindle=st.integers(-1, 5),
)


@given(disks, st.integers(0, 399))
def test_a_client_reads_what_a_server_asks(disk: Disk, level: int) -> None:
    service, rest = split_service(sendbackup_request(disk, level, SERVER, STOCK, "daily", "20260101000000"))
    request = read_request(service, rest)
    (dle,) = request.dles
    assert (request.service, request.config, request.hostname, request.maxdumps) == (
        "sendbackup",
        "daily",
        "h",
        disk.host.maxdumps,
    )
    assert request.features == SERVER
    assert (dle.program, dle.disk, dle.device, dle.levels) == ("GNUTAR", disk.disk, disk.disk, (level,))
    assert (dle.record, dle.index) == (disk.dumptype.record, disk.dumptype.index)
    assert dle.exclude.files == disk.dumptype.exclude
    assert dle.include.lists == disk.dumptype.include_list
    custom = disk.dumptype.compress in (Compression.CLIENT_CUSTOM, Compression.SERVER_CUSTOM)
    assert dle.compress_program == ("/bin/zstd x" if custom else "")
    size = sendsize_request([(replace(disk, device="/dev/x"), (0, level))], SERVER, STOCK, "daily", "20260101000000")
    (asked,) = read_request(*split_service(size)).dles
    assert (asked.levels, asked.spindle, asked.device) == ((0, level), disk.spindle, "/dev/x")


@given(names, st.integers(0, 399), st.integers(0, 10**9), names)
def test_estimates(disk: str, level: int, kib: int, text: str) -> None:
    found = parse_sendsize(size_line(disk, level, kib, STOCK) + size_error_line(disk, level, text, STOCK))
    assert found.sizes == {(disk, level): kib}
    assert list(found.errors) == [disk]


@given(
    st.one_of(
        st.text(max_size=200),
        st.lists(
            st.sampled_from(
                [
                    "CONNECT DATA 1 MESG 2",
                    "CONNECT DATA -1 MESG",
                    "ERROR [x",
                    "ERROR",
                    "RETRY delay 5 level x",
                    "/a 0 SIZE 5",
                    '"/a b" 1 ERROR "x',
                    "OK x",
                    "OPTIONS features=zz;",
                    "OPTIONS ;",
                    "/a x SIZE 3",
                    "/a 0 SIZE x",
                    "\n",
                    "/a 1 WARNING w",
                ]
            ),
            max_size=5,
        ).map("\n".join),
    )
)
def test_replies_from_anything(text: str) -> None:
    parse_selfcheck(text)
    parse_retry(text)
    for reader in (
        parse_backup,
        parse_features,
        parse_sendsize,
        split_service,
        lambda body: read_request("noop", body),
    ):
        with contextlib.suppress(ProtocolError):
            reader(text)


said = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.sampled_from(
            [
                b"sendbackup: info BACKUP=/bin/tar\n",
                b"sendbackup: info end\n",
                b"sendbackup: size 12\n",
                b"sendbackup: end\n",
                b"| well\n",
                b"? odd\n",
                b"sendbackup: native-CRC 0a:1\n",
                b"sendbackup: retry delay 3 level -1\n",
                b"sendbackup: error [no ] more]\n",
                b"sendbackup: size x\n",
            ]
        ),
    ),
    max_size=12,
)


@given(said)
def test_mesg_from_anything(pieces: list[bytes]) -> None:
    mesg, whole = Mesg(), Mesg()
    for piece in pieces:
        if piece:
            mesg.feed(piece)
    whole.feed(b"".join(pieces) or b"\n")
    for each in (mesg, whole):
        each.feed(b"")
    assert (mesg.strange, mesg.info, mesg.size_kib, mesg.error) == (
        whole.strange,
        whole.info,
        whole.size_kib,
        whole.error,
    )
    assert all(line.isprintable() for line in mesg.strange + mesg.normal)


def test_a_line_of_mesg_without_end() -> None:
    mesg = Mesg()
    with contextlib.suppress(ProtocolError):
        for _ in range(3):
            mesg.feed(b"x" * MAX_LINE)
        raise AssertionError("it should have been refused")
    assert str(mesg.native) == str(Crc(0, 0))


@given(st.lists(st.one_of(st.tuples(st.sampled_from(Kind), st.text(max_size=3)), st.floats(0, 100)), max_size=30))
def test_exchanges_end_once(steps: list[tuple[Kind, str] | float]) -> None:
    """Whatever comes whenever: each end says at most once that it is over, and always before its patience ends."""
    now = 0.0
    asking, answering = exchange.Requester("b", 50.0), exchange.Responder()
    ends = starts = 0
    effects = asking.begin(now)
    answering.receive(Packet(Kind.REQ, "b"), now)
    replies = answering.reply("r", now)
    for step in steps:
        if isinstance(step, float):
            now += step
            effects += asking.tick(now)
            replies += answering.tick(now)
        else:
            effects += asking.receive(Packet(*step), now)
            replies += answering.receive(Packet(*step), now)
    ends += sum(isinstance(each, exchange.Reply | exchange.Refused | exchange.Silent) for each in effects)
    starts += sum(isinstance(each, exchange.Accepted) for each in replies)
    assert ends <= 1
    assert starts <= 1
    for _ in range(10):
        now += 51.0
        effects += asking.tick(now)
        replies += answering.tick(now)
    assert asking.stage is exchange.Stage.OVER
    assert answering.stage is exchange.Stage.OVER
