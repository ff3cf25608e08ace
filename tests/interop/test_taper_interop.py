"""A volume written by the taper, read by the real Amanda 3.5.1, by dd and by tar."""

from __future__ import annotations

import io
import os
import pwd
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.protocol import taper
from tests.support.taper import Room, Taper, hold, make_room, noise

pytestmark = pytest.mark.interop


def archive(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


@pytest.fixture
def room() -> Iterator[Room]:
    """One volume with two dumps, in a place that every user can reach."""
    with tempfile.TemporaryDirectory() as place:
        made = make_room(Path(place) / "site")
        with Taper(made) as child:
            child.start()
            for number, (host, disk) in enumerate((("web1", "/home"), ("db2", "/var/lib/ü"))):
                path = hold(made, archive({"./a": noise(70_000, number), "./dir/b": b"b"}), host=host, disk=disk)
                assert isinstance(child.write(path, f"00-0000{number}", host, disk)[-1], taper.Done)
            assert child.quit() == 0
        yield made


def need(program: str) -> str:
    found = shutil.which(program, path="/usr/sbin:/usr/bin:/bin:/sbin")
    if found is None:
        pytest.skip(f"NOT TESTED: volumes of ours with {program}, which is not installed")
    return found


def test_taper_dd_and_tar_read_a_part(room: Room) -> None:
    part = room.vtapes / "slot1" / "00001.web1._home.0"
    listed = subprocess.run(f"dd if='{part}' bs=32k skip=1 status=none | tar -tf -", shell=True, text=True,
                            capture_output=True, check=True)
    assert listed.stdout == "./a\n./dir/b\n"


def as_backup(room: Room, *command: str) -> subprocess.CompletedProcess[bytes]:
    """Run one of Amanda's programs as the user it insists on, in a directory of that user."""
    try:
        user = pwd.getpwnam("backup")
    except KeyError:
        pytest.skip("there is no user backup, as whom Amanda runs")
    if os.geteuid() not in (0, user.pw_uid):
        pytest.skip("only root can run Amanda's programs as its user")
    place = room.path / "restored"
    if os.geteuid() == 0:
        place.mkdir(exist_ok=True)
        for path in (room.path.parent, *room.path.parent.rglob("*")):
            os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
        return subprocess.run(command, capture_output=True, cwd=place, check=False, user=user.pw_uid, group=user.pw_gid,
                              extra_groups=[])
    place.mkdir(exist_ok=True)
    return subprocess.run(command, capture_output=True, cwd=place, check=False)


def test_taper_amrestore_lists_and_restores(room: Room) -> None:
    amrestore, device = need("amrestore"), f"file:{room.vtapes}"
    listed = as_backup(room, amrestore, device, "no-such-host")
    said = (listed.stdout + listed.stderr).decode()
    assert "DAILY-001" in said
    assert "web1" in said and "/home" in said
    restored = as_backup(room, amrestore, "-p", device, "web1", "/home")
    assert restored.stdout == room.joined(), restored.stderr
    other = as_backup(room, amrestore, device, "db2")
    [file] = [file for file in (room.path / "restored").iterdir() if file.name.startswith("db2.")]
    assert file.read_bytes() == room.joined("db2", "/var/lib/ü"), other.stderr
