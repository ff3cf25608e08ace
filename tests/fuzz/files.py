"""Whole files from people and from elsewhere: configuration, the client's access file, exported runs, tar's snapshots."""

from __future__ import annotations

import atexit
import io
import shutil
import tempfile
import zipfile
from array import array
from pathlib import Path

from clientd.access import read_access
from clientd.snapshots import read_base
from core.client.bundle import NAMES, TOP, open_bundle
from core.client.replay import Replay
from core.client.runs import view_of
from core.config.load import load_site
from core.errors import UsageError, WorldError
from core.index.frames import GZIP, FrameTable
from core.index.group import Group
from core.index.layout import MAGIC, Footer, Packer, put_numbers
from core.index.reader import open_index
from core.index.record import Mark
from core.index.writer import writing
from tests.fuzz.mutate import inputs
from tests.fuzz.records import journal_seeds

CONFIG = b'''
org = "daily"
state_dir = "/var/lib/taperoom"
[run]
inparallel = 4
runtapes = 2
retry_delay = "5 min"
netusage = "900 Mbps"
[[holding]]
path = "/hold"
use = "-2 GiB"
chunksize = "1 GiB"
[storage.main]
changer = "disk:/vtapes"
slots = 9
capacity = "10 GiB"
part_size = "1 GiB"
label = "T-[0-9]{3}"
autolabel = "T-%%%"
retention = { tapes = 5, days = 7, full = 1 }
[dumptype.default]
program = "gnutar"
auth = "ssh"
compress = "client fast"
exclude = ["./tmp"]
[host.web1]
maxdumps = 2
[[disk]]
host = "web1"
disk = "/home"
dumptype = "default"
'''
ACCESS = b'servers = ["10.0.0.0/8", "local"]\nservices = ["noop", "sendbackup"]\ndisks = ["/home*"]\nfilters = ["/bin/zstd"]\n'
SNAPSHOT = (b"GNU tar-1.34-2\n1795395130\x00123\x00" + b"0\x001795395130\x005\x0064\x00131\x00.\x00Yfile\x00Dsub\x00\x00\x00"
            b"0\x001795395131\x005\x0064\x00132\x00./sub\x00Nold\x00\x00\x00")
_work = Path(tempfile.mkdtemp(prefix="taperoom-fuzz-"))
atexit.register(shutil.rmtree, _work, ignore_errors=True)


def configuration(data: bytes) -> None:
    """taperoom.toml: a site, or CFG002 or CFG003."""
    file = _work / "taperoom.toml"
    file.write_bytes(data)
    try:
        load_site(file)
    except UsageError as fault:
        assert fault.code in ("CFG002", "CFG003"), fault


def access(data: bytes) -> None:
    """The client's access file: what is permitted, or CLT026."""
    file = _work / "access.toml"
    file.write_bytes(data)
    try:
        found = read_access(file)
    except WorldError as fault:
        assert fault.code == "CLT026"
        return
    for name in ("10.1.2.3", "local", "fe80::1%eth0", "::ffff:10.1.1.1", "x"):
        found.server(name)
    try:
        found.check_disk("/home/../etc")
    except WorldError as fault:
        assert fault.code == "CLT026"


def bundles(data: bytes) -> None:
    """An exported run: RUN026 and nothing left, or a run that can be shown and replayed."""
    file, cache = _work / "run.zip", _work / "cache"
    file.write_bytes(data)
    shutil.rmtree(cache, ignore_errors=True)
    try:
        run = open_bundle(file, cache)
    except UsageError as fault:
        assert fault.code == "RUN026"
        assert not list(cache.glob("*/*")), "something was kept"
        return
    found = {path.relative_to(cache).parts[-1] for path in cache.rglob("*") if path.is_file()}
    assert found <= set(NAMES)
    view_of(run)
    replay = Replay(run)
    replay.seek(replay.ended)


def bundle_seeds() -> list[bytes]:
    """Archives, good and bad ones."""
    found = []
    journal, traffic = journal_seeds()[0], b"1.000000 driver > dumper0 QUIT\n2.5 dumper0 > driver PROGRESS 00-00001 1 2\nodd\n"
    for form, names in ((zipfile.ZIP_STORED, NAMES), (zipfile.ZIP_DEFLATED, NAMES[:2]),
                        (zipfile.ZIP_STORED, ("../x", "journal.jsonl"))):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", form) as archive:
            for name in names:
                member = zipfile.ZipInfo(f"{TOP}/20260101010000/{name}")
                member.compress_type, member.external_attr = form, 0o644 << 16
                archive.writestr(member, traffic if name == "traffic.log" else journal)
        found.append(out.getvalue())
    return found


def snapshot(data: bytes) -> None:
    """tar's list of what it dumped: a base to compare with, or None."""
    file = _work / "snapshot"
    file.write_bytes(data)
    base = read_base(file, 64)
    if base is not None:
        base.known(131)


def index(data: bytes) -> None:
    """An index file: what it says, or RST018 with the place."""
    file = _work / "index.tix"
    file.write_bytes(data)
    try:
        with open_index(file) as found:
            frames = found.frames
            records = list(found.walk(b""))
            assert len(records) == found.count and (frames is None or frames.begin(len(frames)) >= 0)
            for record in records[:20]:
                assert found.find(record.path) == record
            list(found.search(b"a"))
            list(found.match(b"*/[a-c]*"))
            found.entries(b"dir")
    except WorldError as fault:
        assert fault.code == "RST018" and "damaged at byte" in fault.message


def index_group(data: bytes) -> None:
    """A group of an index whose checksums are right: its names, none of them outside the disk, or ValueError."""
    names, _, rest = data.partition(b"|")
    directories, _, details = rest.partition(b"|")
    try:
        group = Group(names.count(b"\0"), names, directories, details)
    except ValueError:
        return
    for number in range(group.count):
        record = group.record(number, group.directory_of(number))
        assert not record.path.startswith(b"/") or not record.path.strip(b"/")
        assert not {b".", b".."} & set(record.path.split(b"/"))


def group_seeds() -> list[bytes]:
    """Two names in one directory."""
    three = put_numbers([0, 512]) + put_numbers([1, 2]) + put_numbers([9, 0])
    return [b"\0a\0b|" + put_numbers([2]) + directory + b"|" + bytes([17, 17]) + three for directory in (b"", b"dir", b"a/b")]


def index_seeds() -> list[bytes]:
    """A small index, and one whose parts all have right checksums but do not fit together."""
    found = []
    for names in (3, 60):
        file = _work / "seed.tix"
        with writing(file) as writer:
            writer.exact, writer.frames = True, FrameTable(GZIP, 1 << 20, array("I", [5, 6]))
            writer.rename(b"old", b"new")
            for number in range(names):
                writer.add(b"dir/%d" % number, Mark.FILE, "f", number, 1700000000 + number, 512 * number)
        found.append(file.read_bytes())
    packer, start = Packer(), len(MAGIC)
    for table in (b"", put_numbers([1 << 40]) * 5 + b"k", put_numbers([1]) + put_numbers([20]) * 3 + put_numbers([9]) + b"key"):
        blob = packer.pack(table)
        found.append(MAGIC + blob + Footer(7, 1, 1, (start, len(blob)), (start, len(blob)), (start, len(blob))).pack())
    return found


TARGETS = {
    "configuration": (configuration, inputs([CONFIG], (
        b"[[disk]]\n", b"[storage.x]\n", b'= "', b"= [", b"= {", b"true", b"1979-05-27", b"-1\n", b"[dumptype.x]\n",
        b'inherit = "default"\n'))),
    "access": (access, inputs([ACCESS], (b"lists = [", b"programs = [", b'"*"', b"servers = ", b'"::/0"'))),
    "bundles": (bundles, inputs(bundle_seeds(), (
        b"PK\3\4", b"PK\1\2", b"PK\5\6", b"journal.jsonl", b"../", b"\xff\xff\xff\xff"))),
    "index-files": (index, inputs(index_seeds(), (MAGIC, b"\x28\xb5\x2f\xfd", b"b\1\0\0\0\1", b"\xff\xff\xff\x7f"))),
    "index-groups": (index_group, inputs(group_seeds(), (b"\0..", b"\0.", b"../", b"/", b"b\2\0\0\0\1\1"))),
    "snapshots": (snapshot, inputs([SNAPSHOT], (b"\0\0\0", b"GNU tar-", b"-2\n", b"0\x00"))),
}
