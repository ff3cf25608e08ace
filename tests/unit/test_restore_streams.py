"""Tar streams and packed streams, whole and cut anywhere; damaged ones end in one clear message."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.errors import WorldError
from core.holding.header import Filters, Header, Kind
from core.restore.tarstream import DUMPDIR, LINK, Member, TarStream
from core.restore.unpack import unpacked


def tar(*arguments: str, cwd: Path) -> bytes:
    return subprocess.run(["tar", "-c", *arguments, "."], cwd=cwd, capture_output=True, check=True).stdout


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    for path in ("a/one", "a/two", "b" * 120 + "/" + "c" * 120):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path * 50)
    os.link(root / "a/one", root / ("hard" * 40))
    os.symlink("x" * 200, root / "sym")
    with open(root / "sparse", "wb") as sparse:
        for n in range(60):
            sparse.seek(n * 200_000)
            sparse.write(b"data")
    return root


def noting(found: list[Member]) -> Callable[[Member], bool]:
    def choose(member: Member) -> bool:
        found.append(member)
        return False

    return choose


def names(data: bytes, step: int = 1 << 20) -> tuple[list[Member], dict[bytes, bytes]]:
    found: list[Member] = []
    directories: dict[bytes, bytes] = {}
    stream = TarStream(noting(found), lambda piece: None, directories.__setitem__)
    for at in range(0, len(data), step):
        stream.feed(memoryview(data)[at:at + step])
    stream.finish()
    assert stream.ended and stream.members == len(found)
    return found, directories


@pytest.mark.parametrize("form", ["--format=gnu", "--format=posix", "--format=ustar", "--format=v7"])
def test_names_are_those_that_tar_has(tree: Path, form: str) -> None:
    if form == "--format=v7":
        for path in tree.iterdir():
            if len(path.name) > 90 or path.is_symlink():
                subprocess.run(["rm", "-rf", str(path)], check=True)
    elif form == "--format=ustar":
        (tree / "sym").unlink()
        (tree / ("hard" * 40)).unlink()
        shutil.rmtree(tree / ("b" * 120))
        (tree / ("d" * 90)).mkdir()
        (tree / ("d" * 90) / ("e" * 90)).write_text("by prefix")
    sparse = [] if form in ("--format=ustar", "--format=v7") else ["--sparse"]
    data = tar(form, *sparse, cwd=tree)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        expected = {info.name for info in archive}
    for step in (1 << 20, 1000, 511):
        found, _ = names(data, step)
        assert {member.name.decode().rstrip("/") for member in found} == expected


def test_a_listed_incremental_has_its_lists(tree: Path, tmp_path: Path) -> None:
    data = tar(f"--listed-incremental={tmp_path / 'snap'}", cwd=tree)
    found, directories = names(data, 777)
    assert b"Yone\0" in directories[b"./a/"] and {m.kind for m in found} >= {DUMPDIR, LINK}
    [link] = [m for m in found if m.kind == LINK]
    assert {link.name, link.link} == {b"./a/one", b"./" + b"hard" * 40} and link.size == 0


def chosen(data: bytes, wanted: set[bytes], step: int) -> bytes:
    out = bytearray()

    def take(piece: memoryview) -> None:
        out.extend(piece)

    stream = TarStream(lambda member: member.name.rstrip(b"/") in wanted, take, lambda name, body: None)
    for at in range(0, len(data), step):
        stream.feed(memoryview(data)[at:at + step])
    return bytes(out) + stream.finish()


@pytest.mark.parametrize("form", ["--format=gnu", "--format=posix"])
@pytest.mark.parametrize("step", [1 << 20, 700])
def test_what_was_chosen_is_a_whole_tar(tree: Path, tmp_path: Path, form: str, step: int) -> None:
    more = [] if form == "--format=posix" else [f"--listed-incremental={tmp_path / 'snap'}"]
    data = tar(form, "--sparse", *more, cwd=tree)
    wanted = {b"./sparse", b"./a", b"./a/two", b"./" + b"b" * 120 + b"/" + b"c" * 120}
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run(["tar", "-xpf", "-", "-C", str(out)], input=chosen(data, wanted, step), check=True)
    assert {str(p.relative_to(out)) for p in out.rglob("*") if not p.is_dir()} == {
        "sparse", "a/two", "b" * 120 + "/" + "c" * 120}
    assert (out / "sparse").read_bytes() == (tree / "sparse").read_bytes()


def test_sizes_in_base_256_and_pax(tmp_path: Path) -> None:
    info = tarfile.TarInfo("big")
    info.size = 9 << 33
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        found: list[Member] = []
        stream = TarStream(noting(found), lambda piece: None)
        stream.feed(memoryview(info.tobuf(form)))
        assert [(m.name, m.size) for m in found] == [(b"big", 9 << 33)]
        with pytest.raises(WorldError, match="ends in the middle of a file"):
            stream.finish()


@pytest.mark.parametrize("block", [b"garbage" * 100, b"x" * 512, bytes(511) + b"x"], ids=["words", "letters", "late"])
def test_garbage_is_no_tar(block: bytes) -> None:
    with pytest.raises(WorldError, match="no tar archive") as caught:
        TarStream(lambda member: False, lambda piece: None).feed(memoryview(block[:512].ljust(512, b"g")))
    assert caught.value.code == "RST020"


def sealed(block: bytearray) -> memoryview:
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return memoryview(bytes(block))


def test_headers_that_lie() -> None:
    head = bytearray(tarfile.TarInfo("x").tobuf(tarfile.GNU_FORMAT))
    head[124:136] = b"99999999999\0"
    with pytest.raises(WorldError, match="no tar archive"):
        TarStream(lambda member: False, lambda piece: None).feed(sealed(head))
    head[124:136] = b"77777777777\0"
    head[156] = ord("L")
    with pytest.raises(WorldError, match="a name of 8589934591 bytes"):
        TarStream(lambda member: False, lambda piece: None).feed(sealed(head))
    # A pax header that is cut short says nothing, and harms nothing.
    head[124:136] = b"00000000014\0"
    head[156] = ord("x")
    found: list[Member] = []
    stream = TarStream(noting(found), lambda piece: None)
    for body in (b"99 path=evil", b"x path=evil\n", b"3 path=evil\n"):
        stream.feed(sealed(head))
        stream.feed(memoryview(body.ljust(512, b"\0")))
        stream.feed(memoryview(tarfile.TarInfo("ok").tobuf(tarfile.GNU_FORMAT)))
    assert [m.name for m in found] == [b"ok"] * 3


def pieces(data: bytes, step: int = 1000) -> Iterator[memoryview]:
    for at in range(0, len(data), step):
        yield memoryview(data)[at:at + step]


def header(comp: str, program: str = "") -> Header:
    return Header(Kind.FILE, comp=comp, program="GNUTAR", filters=Filters(client_compress=program))


def whole(data: bytes, of: Header, allowed: tuple[str, ...] = ()) -> bytes:
    return b"".join(bytes(piece) for piece in unpacked(pieces(data), of, allowed))


DATA = os.urandom(50_000) + bytes(3_000_000)


def test_a_program_of_the_configuration_is_run(tmp_path: Path) -> None:
    program = tmp_path / "my pack"
    program.write_text("#!/bin/sh\nexec gzip \"$@\"\n")
    program.chmod(0o755)
    command = f"'{program}'"
    assert whole(gzip.compress(DATA), header("cust", str(program)), (command,)) == DATA
    assert whole(gzip.compress(DATA), header("cust", command), (command,)) == DATA
    with pytest.raises(WorldError, match="which is not run"):
        whole(b"", header("cust", str(program)), ("", "other"))
    program.unlink()
    with pytest.raises(WorldError, match="cannot be run: No such file") as caught:
        whole(b"x", header("cust", str(program)), (command,))
    assert caught.value.code == "RST022"


@pytest.mark.parametrize(("data", "of", "text"), [
    (gzip.compress(DATA)[:-9], header(".gz"), "gzip: it ends too early"),
    (gzip.compress(DATA)[:2000] + b"x" * 9000, header(".gz"), "cannot be unpacked: gzip: "),
    (b"junk" * 999, header(".gz"), "cannot be unpacked: gzip: "),
    (b"junk" * 999, header("cust", "/usr/bin/zstd"), "cannot be unpacked: zstd: "),
    (b"junk" * 999, header(".Z"), "cannot be unpacked: gzip: gzip: stdin: not in gzip format"),
], ids=["cut", "overwritten", "no gzip", "no zstd", "no compress"])
def test_damage_is_told(data: bytes, of: Header, text: str) -> None:
    with pytest.raises(WorldError, match="RST021") as caught:
        whole(data, of)
    assert text in caught.value.message


def test_a_fault_of_the_source_comes_through_a_program() -> None:
    def broken() -> Iterator[memoryview]:
        yield memoryview(gzip.compress(DATA)[:1000])
        raise WorldError("RST023", "the volume broke")

    with pytest.raises(WorldError, match="the volume broke"):
        list(unpacked(broken(), header(".Z")))


def test_a_program_that_ends_early_does_not_hang() -> None:
    stream = unpacked(pieces(gzip.compress(os.urandom(3_000_000))), header(".Z"))
    assert next(stream)
    stream.close()  # type: ignore[attr-defined]
