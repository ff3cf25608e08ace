"""The snapshot that a full dump leaves when tar does not make it: what tar would have written, byte for byte but for the order
of directories, and where it is not sure to be that, none."""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clientd.first_snapshot import write_first
from clientd.programs.contract import Task
from clientd.programs.gnutar import GnuTar
from clientd.settings import Settings
from core.wire.dle_xml import Choice, Dle
from tests.support.client import a_disk, client, dump

root = pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: mounting needs root")
NAMES = st.binary(min_size=1, max_size=12).filter(lambda name: name not in (b".", b"..") and not set(name) & {0, 47})
EVERYTHING = Choice()
KINDS = st.sampled_from("ddfffhlps")
TREES = st.lists(st.tuples(st.integers(0, 9), NAMES, KINDS, st.integers(-10**17, 4 * 10**18)), max_size=25)


def ours(top: Path) -> bytes | None:
    """What we write; None where we leave it to tar."""
    file = io.BytesIO()
    directory = os.open(top, os.O_PATH | os.O_DIRECTORY)
    try:
        return file.getvalue() if write_first(directory, file, time.time_ns()) else None
    finally:
        os.close(directory)


def theirs(top: Path, file: Path) -> bytes:
    subprocess.run(["tar", "-c", "-f", "/dev/null", "--one-file-system", "-g", file, "."], cwd=top, check=True,
                   stderr=subprocess.DEVNULL)
    return file.read_bytes()


def members(top: Path, *how: str) -> list[bytes]:
    """What tar dumps that way."""
    made = subprocess.run(["tar", "-c", "--one-file-system", *how, "."], cwd=top, check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL)
    return subprocess.run(["tar", "-t", "--null"], input=made.stdout, check=True, stdout=subprocess.PIPE).stdout.splitlines()


def known(snapshot: bytes) -> tuple[bytes, list[bytes]]:
    """The format, and what is told of each directory, in order of their names."""
    head, _, rest = snapshot.partition(b"\n")
    _, _, directories = rest.split(b"\0", 2)
    return head.rpartition(b"-")[2], sorted(directories.split(b"\0\0\0"))


def grow(top: bytes, made: list[tuple[int, bytes, str, int]]) -> None:
    directories, files = [top], []
    for where, name, kind, changed in made:
        path = directories[where % len(directories)] + b"/" + name
        if os.path.lexists(path):
            continue
        if kind == "d":
            os.mkdir(path)
            directories.append(path)
        elif kind == "l":
            os.symlink(b".", path)
        elif kind == "p":
            os.mkfifo(path)
        elif kind == "h" and files:
            os.link(files[0], path)
        elif kind == "s":
            with socket.socket(socket.AF_UNIX) as one:
                here = os.open(os.path.dirname(path), os.O_PATH)
                one.bind(b"/proc/self/fd/%d/" % here + name)
                os.close(here)
        else:
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
            files.append(path)
        if kind != "l":
            os.utime(path, ns=(changed, changed))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TREES)
def test_it_is_what_tar_writes(tmp_path_factory: pytest.TempPathFactory, made: list[tuple[int, bytes, str, int]]) -> None:
    top = tmp_path_factory.mktemp("disk") / "top"
    top.mkdir()
    grow(os.fsencode(top), made)
    mine = ours(top)
    assert mine is not None
    assert known(mine) == known(theirs(top, top.parent / "snapshot"))
    assert sorted(members(top, "--sort=name")) == sorted(members(top, "--incremental"))


def test_of_a_real_directory(tmp_path: Path) -> None:
    place = Path("/usr/include")
    if not place.is_dir():
        pytest.skip("NOT TESTED here: there is no /usr/include")
    mine = ours(place)
    assert mine is not None
    assert known(mine) == known(theirs(place, tmp_path / "snapshot"))


@root
@pytest.mark.parametrize("what", ["a directory", "a file"])
def test_what_is_mounted_below_is_left_to_tar(tmp_path: Path, what: str) -> None:
    top = tmp_path / "a disk"
    (top / "d").mkdir(parents=True)
    (top / "f").touch()
    assert ours(top) is not None
    mount = ["mount", "-t", "tmpfs", "none", top / "d"] if what == "a directory" else [
        "mount", "--bind", "/proc/self/status", top / "f"]
    subprocess.run(mount, check=True)
    try:
        assert ours(top) is None
    finally:
        subprocess.run(["umount", mount[-1]], check=True)
    assert ours(top) is not None


def test_what_lies_very_deep_is_left_to_tar(tmp_path: Path) -> None:
    top = tmp_path / "disk"
    top.mkdir()
    (top / "/".join("d" * 190)).mkdir(parents=True)
    assert ours(top) is not None
    (top / "/".join("d" * 210)).mkdir(parents=True)
    before = len(os.listdir("/proc/self/fd"))
    assert ours(top) is None
    assert len(os.listdir("/proc/self/fd")) == before, "every directory was closed"


def test_a_directory_of_very_many_names_is_left_to_tar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(9):
        (tmp_path / f"{number}").touch()
    assert ours(tmp_path) is not None
    monkeypatch.setattr("clientd.first_snapshot._MOST", 8)
    assert ours(tmp_path) is None


def test_no_link_leads_out_of_it(tmp_path: Path) -> None:
    (tmp_path / "secret/dir").mkdir(parents=True)
    top = tmp_path / "disk"
    top.mkdir()
    (top / "link").symlink_to(tmp_path / "secret")
    mine = ours(top)
    assert mine is not None and b"Ylink" in mine and b"secret" not in mine and b"dir" not in mine


def _dump(tmp_path: Path, level: int, exclude: Choice = EVERYTHING) -> tuple[list[str], bool]:
    """Members of a dump, and whether it needed no lists; kept as the base of the next."""
    dle = Dle(disk=str(tmp_path / "disk"), device=str(tmp_path / "disk"), program="GNUTAR", levels=(level,), exclude=exclude)
    here = Settings(tmp_path / "state", shutil.which("tar") or "", tmp_path / "access.toml")
    dump = GnuTar().prepare(Task(dle, "host", here), level)
    with dump.start() as tar:
        data, said = tar.communicate()
    assert tar.returncode == 0, said
    complete = dump.complete
    dump.commit()
    dump.discard()
    listed = subprocess.run(["tar", "-t"], input=data, stdout=subprocess.PIPE, check=True)
    return sorted(listed.stdout.decode().splitlines()), complete


@pytest.mark.parametrize("exclude", [EVERYTHING, Choice(files=("./none",))], ids=["ours", "tar's"])
def test_the_next_dump_goes_on_from_it(tmp_path: Path, exclude: Choice) -> None:
    """Changed, new, renamed and gone since the full dump: alike after either way to make it."""
    top = tmp_path / "disk"
    for name in ("stays", "changes", "goes", "renamed"):
        (top / name / "below").mkdir(parents=True)
        for file in ("one", "two"):
            (top / name / file).write_text(file)
    full, complete = _dump(tmp_path, 0, exclude)
    assert complete == (not exclude.files)
    assert len(full) == 17 and _dump(tmp_path, 1, exclude) == (sorted(name for name in full if name.endswith("/")), False)
    (top / "changes/one").write_text("another")
    (top / "goes/two").unlink()
    (top / "renamed").rename(top / "new name")
    (top / "stays/two").rename(top / "stays/three")
    (top / "quite new").mkdir()
    (top / "quite new/file").touch()
    os.utime(top / "quite new/file", (1, 1))
    changed, complete = _dump(tmp_path, 1, exclude)
    assert not complete
    assert [name for name in changed if not name.endswith("/")] == ["./changes/one", "./quite new/file", "./stays/three"]


def test_nothing_stays_of_one_that_was_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """tar makes the snapshot then, of a file that has nothing in it."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk/file").touch()

    def some(top: int, file: io.BytesIO, began: int) -> bool:
        file.write(b"no snapshot")
        return False

    monkeypatch.setattr("clientd.programs.gnutar.write_first", some)
    members, complete = _dump(tmp_path, 0)
    assert members == ["./", "./file"] and not complete
    assert _dump(tmp_path, 1) == (["./"], False)


def test_names_that_come_meanwhile_are_nothing_strange(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither with tar's own state is that told; of a file that changes it is."""
    top, tar, odd = tmp_path / "disk", tmp_path / "tar", "d\n\\\u00e9: x"
    (top / odd).mkdir(parents=True)
    for name in ("a", f"{odd}/b", "z"):
        (top / name).write_bytes(bytes(range(256)) * 8000)
    new = f"cd '{top}/{odd}'; touch new ../new; echo x >> ../z"
    tar.write_text(f"#!/bin/sh\nexec /bin/tar --checkpoint=5 \"--checkpoint-action=exec=$(cat {tmp_path}/new)\" \"$@\"\n")
    (tmp_path / "new").write_text(new)
    tar.chmod(0o755)
    monkeypatch.setenv("TAPEROOM_CLIENT_TAR", str(tar))
    with client(tmp_path, monkeypatch) as connection:
        found = dump(connection, a_disk(connection.host, top), 0)
    assert (top / odd / "new").exists() and "\t/" in found.index, "it was this way to dump"
    assert found.mesg.error is None and [line.rpartition("/tar: ")[2] for line in found.mesg.strange] == [
        "./z: file changed as we read it"]
