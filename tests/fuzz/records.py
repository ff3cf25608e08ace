"""Lines between our own programs and on our own disks: pipes, control orders, headers, journals, lists."""

from __future__ import annotations

import json

from crc32c import crc32c

from core.errors import BadLine, OutOfTurn, WorldError
from core.events import codec, gauges
from core.events.event import OperatorActed, Record
from core.events.view import RunView
from core.holding.header import HEADER_SIZE, Header, Kind, build, parse
from core.holding.seal import seal
from core.model.dump import Crc, Stats
from core.model.framesums import FRAME, FrameSums, decode, encode, sealed
from core.model.units import Handle, Kib
from core.model.volume import format_tapelist, parse_tapelist
from core.protocol import dumper, operator, options, planner, taper
from core.protocol.conversation import MAX_LINE, Lines
from core.report.data import run_data
from core.report.lines import line_of
from core.report.morning import report_text
from core.report.status import status_text
from core.restore.merged import MergedTree
from core.restore.tree import File, walk
from tests.fuzz.mutate import inputs
from tests.support.indexes import index_of_lines, listing_of
from tests.support.journals import Night
from tests.support.whole_tree import build as build_tree

PIPES = [
    b"FILE-DUMP 00-00001 /hold/x web1 /home 1 1970:1:1:0:0:0 1048576 GNUTAR |;auth=ssh;use=100;\n", b"CONTINUE\n", b"QUIT\n",
    b"NO-ROOM 00-00001 2048\n", b'DONE 00-00001 "[sec 1.000 kb 10 kps 10.0 orig-kb 20]"\n', b"PROGRESS 00-00001 10 20\n",
    b"START-TAPER 20261123001500\n", b'PARTDONE 00-00001 T-001 1 1024 "x"\n', b"PORT 4711\n", b"TAPER-OK\n",
    b"DATE 20261123001500\n", b"web1 /home 1 0 120000\n", b"web1 /home 1 1 1200 10 2 100 5 orig=10 kps=3 why=bump\n",
    b"FLUSH web1 /home 20261122001500 0 /hold/y\n", b"ENDFLUSH\n", b'SKIP web1 /home "held"\n']
ORDERS = [b"HELLO ana operate\n", b"ANSWER 7 abort\n", b"RETRY web1 /home\n", b"PRIORITY web1 /home 3\n", b"STOP now\n",
          b"SEQ 12\n", b'REFUSED "no"\n', b"FLUSH\n", b"PAUSE\n"]
HEADERS = [
    build(Header(Kind.TAPESTART, "20261123001500", label="T-001")), seal(build(Header(
        Kind.FILE, "20261123001500", "web1", "/srv/a b", 1, comp=".gz", program="/bin/tar", orig_kib=10, native=Crc(1, 2),
        uncompress="/bin/gzip -dc", dle_xml="<dle>\n</dle>", recover="/bin/tar -x", cont_filename="/hold/x.1"))),
    build(Header(Kind.SPLIT_FILE, "20261123001500", "h", "/d", part=2, parts=-1, program="APPLICATION", application="amgtar"))]


def pipes(data: bytes) -> None:
    """What a child or a parent says: a message of the pipe's table, or BadLine, or OutOfTurn."""
    talks = [dumper.conversation(), taper.conversation()]
    try:
        lines = Lines().feed(data + b"\n")
    except BadLine:
        assert len(data) > MAX_LINE
        return
    for line in lines:
        for talk in talks:
            try:
                said = talk.receive(line)
                assert talk.vocabulary.decode(talk.vocabulary.encode(said)[:-1]) == said
            except (BadLine, OutOfTurn):
                pass
        try:
            planned = planner.decode(line)
            assert planner.decode(planner.encode(planned)[:-1]) == planned
        except BadLine:
            pass
        text = line.decode("utf-8", "surrogateescape")
        try:
            options.decode_options(text)
        except BadLine:
            pass
        try:
            Stats.parse(text)
        except ValueError:
            pass


def orders(data: bytes) -> None:
    """What consoles say to the driver: an order or BadLine."""
    try:
        lines = Lines().feed(data + b"\n")
    except BadLine:
        return
    for line in lines:
        try:
            said = operator.VOCABULARY.decode(line)
            assert operator.VOCABULARY.decode(operator.VOCABULARY.encode(said)[:-1]) == said
        except BadLine:
            pass


def headers(data: bytes) -> None:
    """The block before a dump: always a header, and what it says can be written and read again."""
    for block in (data, data[:-600] + bytes(max(0, HEADER_SIZE - len(data))), seal(data[:-40].ljust(HEADER_SIZE, b"\0"))):
        found = parse(block)
        assert parse(block) == found and len(found.note) < 400
        if found.kind not in (Kind.WEIRD, Kind.EMPTY):
            try:
                again = build(found)
            except ValueError:
                continue
            assert parse(again).key == found.key


def journal(data: bytes) -> None:
    """A journal from elsewhere: facts of the right types, which a face can fold and a catalogue can take in."""
    records, damage = codec.inspect(data)
    told = codec.read(data)
    assert len(told) <= len(records) + len(damage) and all(str(place) for place in damage)
    view = RunView()
    for record in told:
        view.apply(record)
        assert (line_of(record, view) or "x").isprintable()
    found = gauges.decode(data)
    for text in (report_text(view, gauges=found), status_text(view, found, view.at, True)):
        assert text.replace("\n", "").isprintable()
    json.dumps(run_data(view, found, view.at, True))
    for record in told:
        line = codec.encode(record)
        assert line.endswith(b"\n") and line.count(b"\n") == 1
        again = codec.decode(line)
        assert again is not None and again.event == record.event


def listing(data: bytes) -> None:
    """An index: a listing, a tree, and the same tree a directory at a time."""
    lines = data.split(b"\n")
    try:
        found = listing_of(lines)
    except WorldError as fault:
        assert fault.code == "RST015"
        return
    assert all(b".." not in path.split(b"/") for path in found.names)
    whole = build_tree([found, listing_of(lines[::2])])
    with index_of_lines(lines) as full, index_of_lines(lines[::2]) as later:
        merged = MergedTree([full, later])
        assert [(path, type(node) is File, node.dump) for path, node in merged.walk()] == [
            (path, type(node) is File, node.dump) for path, node in walk(whole.top, b"")]


def checksums(data: bytes) -> None:
    """The checksums of an archive, with the seal that they have and with a right one: sums, or ValueError."""
    for whole in (data, sealed(data, crc32c)):
        try:
            kept = decode(whole, crc32c)
        except ValueError:
            continue
        assert sealed(encode(kept), crc32c) == whole


def tapelist(data: bytes) -> None:
    """The tapelist: volumes, or ValueError with the line."""
    try:
        found = parse_tapelist(data.decode("utf-8", "surrogateescape"))
    except ValueError as fault:
        assert str(fault).startswith("line ")
        return
    try:
        text = format_tapelist(found)
    except ValueError:
        return
    assert sorted(parse_tapelist(text), key=repr) == sorted(found, key=repr)


def journal_seeds() -> list[bytes]:
    """A whole night, its lines, and an old one without checksums."""
    night = Night("20260101010000")
    night.volume("T-001")
    night.dump("web1", "/home", 0, file="/hold/x")
    whole = [codec.encode(record) for record in night.records]
    records = [Record(n, 1.0 + n, event) for n, event in enumerate(_facts(), 1)]
    acts = [OperatorActed("ana", order, "OK") for order in ("PRIORITY web1 /home 7", "HOLD web1 /home", "RELEASE web1 /home")]
    records += [Record(n, 99.0, event) for n, event in enumerate(acts, len(records) + 1)]
    more = [codec.encode(record) for record in records]
    plain = [line[:-19] + b"}\n" for line in more]
    return [b"".join(whole), b"".join(more), b"".join(plain), *plain, *whole]


def _facts() -> list[object]:
    """One fact of each kind, with plain values."""
    from dataclasses import fields
    from typing import get_type_hints

    from core.events.event import KINDS, Choice

    plain: dict[object, object] = {str: "x", int: 1, float: 2.0, bool: True}
    facts = []
    for kind in KINDS.values():
        hints = get_type_hints(kind)
        facts.append(kind(*[plain.get(hints[f.name], (Choice("a", "b", "c"),)) for f in fields(kind)]))
    return facts


def _sums(size: int) -> FrameSums:
    found = FrameSums(crc32c)
    found.add(memoryview(bytes(size)))
    return found


assert Kib(1) and Handle("h")
TARGETS = {
    "pipes": (pipes, inputs(PIPES, (b"DONE ", b"00-00001 ", b"web1 ", b'"', b"key=", b" "))),
    "orders": (orders, inputs(ORDERS, (b"ANSWER ", b"HELLO ", b'"', b" "))),
    "headers": (headers, inputs([block[:700] for block in HEADERS] + HEADERS, (
        b"AMANDA: ", b"FILE ", b"SPLIT_FILE ", b"part 1/-1 ", b"CONT_FILENAME=", b"DLE=<<E\n", b"\f\n", b"lev ", b"ORIGSIZE=",
        b"TAPEROOM-CRC32C=00000000\n", bytes(400)))),
    "journal": (journal, inputs(journal_seeds(), (
        b'"seq":', b'"event":"', b',"sum":"00000000"}', b"null", b"[]", b"{}", b"true", b"-5", b"1e30"))),
    "index": (listing, inputs([b"/\n/a/\n/a/b\\040c\n\t/\n\t/a/old\n\t/a\t/b\n\t\t/c\n", b"/x\\\\y\n/../etc\n//\n/./.\n"], (
        b"\t", b"\n/", b"/..", b"\\777", b"\\n", b"\t/a\t/b\n"))),
    "checksums": (checksums, inputs([encode(_sums(size)) for size in (0, 1, 3 * FRAME)], (
        b"TAPEROOM-CRCS-1\n", b"\x00\x00\x10\x00", bytes(4), b"\xff" * 4))),
    "tapelist": (tapelist, inputs([
        b"20261123001500 T-001 reuse BLOCKSIZE:32 POOL:main STORAGE:main CONFIG:daily\n0 T-002 no-reuse #lost\n"], (
        b"BARCODE:", b"META:", b" reuse", b"#", b"0 "))),
}
