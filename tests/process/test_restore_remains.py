"""A dump of which no copy is whole: the files that the damage touches are named, all others come back."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import WorldError
from core.holding.header import HEADER_SIZE, Kind, build, parse
from core.index.reader import open_index
from core.restore.recover import Result, restore
from tests.process.test_restore_parts import WAYS
from tests.support.dumps import HOST, Client, manifest, touch

SECOND = {"a/first": "z-good", "a/large": "z-lost"}


@pytest.fixture
def client(tmp_path: Path) -> Client:
    """A tree with files smaller and larger than what has one checksum, and links into both."""
    made = Client(tmp_path)
    touch(made.tree / "a/first", os.urandom(700_000))
    touch(made.tree / "a/large", os.urandom(3_500_000))
    for number in range(30):
        touch(made.tree / f"b/small {number:02d}", os.urandom(100_000))
    for name, second in SECOND.items():
        os.link(made.tree / name, made.tree / second)
    os.symlink("a/large", made.tree / "z-symbolic")
    return made


def dumped(client: Client, way: str, store: str = "holding", parts: int = 1) -> str:
    pack, comp, filters = WAYS[way]
    return client.night(0, store, parts=parts, pack=pack, comp=comp, filters=filters, sums=way == "plain")


def files_of(client: Client, stamp: str) -> list[Path]:
    first = client.base / "holding" / stamp / f"{HOST}._home.0"
    if first.exists():
        return [first, first.with_name(first.name + ".1")]
    return sorted((client.base / "vtapes").glob("slot*/0000[1-9]*"), key=lambda path: (path.parent.name, path.name))


def stored_at(client: Client, stamp: str, name: str, way: str, more: int) -> int:
    """The stored byte in which byte ``more`` of a member is."""
    with open_index(client.site.index_dir / HOST / "_home" / f"{stamp}_0.tix") as index:
        # Of two names of a file tar gives its content to whichever it meets first.
        both = [index.find(each.encode()) for each in (name, SECOND.get(name, name))]
        record, frames = next(found for found in both if found is not None and found.kind != "h"), index.frames
        at = record.offset + more
        return at if frames is None else frames.begin(frames.frame_of(at)) + frames.sizes[frames.frame_of(at)] // 2


def spoil(files: list[Path], at: int, size: int = 1) -> Path:
    """Damage bytes of the stored data; the file that has them."""
    for file in files:
        length = file.stat().st_size - HEADER_SIZE
        if at < length:
            with open(file, "r+b") as opened:
                opened.seek(HEADER_SIZE + at)
                found = opened.read(size)
                opened.seek(HEADER_SIZE + at)
                opened.write(bytes(byte ^ 0x55 for byte in found))
            return file
        at -= length
    raise AssertionError("there is no such byte")


def back(client: Client, to: Path, *specs: str) -> Result:
    return restore(client.site, list(specs) or [client.title], "now", to)


def lost(client: Client, to: Path, result: Result) -> set[str]:
    """The names that are missing; whatever else is there is as it was dumped."""
    gone = {name.lstrip("/") for name in result.missing}
    was, found = manifest(client.tree), manifest(to)
    assert not gone & found.keys()
    for name in was.keys() - gone:
        # Of two names of one file the other may be lost, and a directory's own looks may be.
        assert name.endswith(".") or found[name][:-1] == was[name][:-1], name
    return gone


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("store", "parts"), [("holding", 1), ("volume", 4)])
def test_damage_costs_the_files_that_it_touches(client: Client, tmp_path: Path, way: str, store: str, parts: int) -> None:
    stamp = dumped(client, way, store, parts)
    spoilt = spoil(files_of(client, stamp), stored_at(client, stamp, "a/large", way, 2_000_000))
    result = back(client, tmp_path / "out")
    assert not result.good and not result.stays and result.checked == ["sums" if way == "plain" else "frames"]
    gone = lost(client, tmp_path / "out", result)
    assert gone == {"a/large", "z-lost"}
    damage, rest = result.warnings
    where = str(files_of(client, stamp)[0]) if store == "holding" else f"file {int(spoilt.name[:5])}"
    assert damage.startswith("RST02") and where in damage
    assert rest.startswith(f"RST042 {client.title} level 0 of {stamp}: no copy of it is whole (") and where in rest
    assert rest.endswith("; 2 of 38 names lie where it is damaged, the others are restored")
    assert not [name for name in os.listdir(tmp_path / "out") if name.startswith(".")]


@pytest.mark.parametrize("way", ["plain", "gzip"])
def test_a_part_that_is_gone_costs_what_is_in_it(client: Client, tmp_path: Path, way: str) -> None:
    stamp = dumped(client, way, "volume", 4)
    files_of(client, stamp)[1].unlink()
    result = back(client, tmp_path / "out")
    gone = lost(client, tmp_path / "out", result)
    assert gone and len(gone) < 33 and "RST042" in result.warnings[-1]


def test_two_damaged_copies_make_up_for_each_other(client: Client, tmp_path: Path) -> None:
    """The same dump on the holding disk and on a volume, each damaged elsewhere."""
    stamp = dumped(client, "plain", "volume")
    [part] = files_of(client, stamp)
    one, two = (stored_at(client, stamp, name, "plain", 1000) for name in ("a/first", "b/small 20"))
    held, whole = client.base / "held", part.read_bytes()
    held.write_bytes(build(replace(parse(whole), kind=Kind.FILE, part=1, parts=1)) + whole[HEADER_SIZE:])
    journal = client.site.runs_dir / stamp / "journal.jsonl"
    # A journal of a version without checksums: the lines are changed here, and the holding file is no longer gone.
    plain, gone = re.sub(rb',"sum":"[0-9a-f]{8}"}\n', b"}\n", journal.read_bytes()), b"/gone/" + stamp.encode()
    journal.write_bytes(plain.replace(gone, str(held).encode(), 1).replace(
        b'"file":"' + gone + b'","size":', b'"file":"' + str(held).encode() + b'","size":', 1))
    client.site.catalogue.unlink()
    spoil([held], one)
    spoil([part], two)
    result = back(client, tmp_path / "out")
    assert result.good and manifest(tmp_path / "out") == manifest(client.tree)
    assert result.warnings[-1].endswith("; 0 of 38 names lie where it is damaged, the others are restored")


def test_a_link_whose_first_name_was_not_asked_for(client: Client, tmp_path: Path) -> None:
    stamp = dumped(client, "plain")
    spoil(files_of(client, stamp), stored_at(client, stamp, "b/small 20", "plain", 1000))
    result = back(client, tmp_path / "out", f"{client.title}:z-good", f"{client.title}:z-lost", f"{client.title}:b")
    assert (tmp_path / "out/z-good").read_bytes() == (client.tree / "a/first").read_bytes()
    assert (tmp_path / "out/z-lost").read_bytes() == (client.tree / "a/large").read_bytes()
    assert "/b/small 20" in result.missing and "a" not in os.listdir(tmp_path / "out")


def test_where_nothing_can_be_told_apart_nothing_is_given(client: Client, tmp_path: Path) -> None:
    stamp = client.night(0, sums=False)
    spoil(files_of(client, stamp), stored_at(client, stamp, "a/large", "plain", 2_000_000))
    with pytest.raises(WorldError, match="RST024"):
        back(client, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_where_nothing_is_whole_nothing_is_given(client: Client, tmp_path: Path) -> None:
    stamp = dumped(client, "plain")
    spoil(files_of(client, stamp), stored_at(client, stamp, "a/large", "plain", 2_000_000))
    with pytest.raises(WorldError, match="RST024"):
        back(client, tmp_path / "out", f"{client.title}:a/large")
    shutil.rmtree(client.base / "holding" / stamp)
    with pytest.raises(WorldError, match="is missing"):
        back(client, tmp_path / "out")
    assert not (tmp_path / "out").exists()
