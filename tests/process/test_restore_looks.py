"""How a directory will look, as its header tells: what a real tar makes of that header."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from core.landing.place import look_of
from core.restore.looks import look_by

root = pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: owners need root")
NOW = 5 * 10**18


def header_of(top: Path, *how: str) -> bytes:
    return subprocess.run(["tar", "-c", "--no-recursion", *how, "d"], cwd=top, stdout=subprocess.PIPE, check=True).stdout


@root
@pytest.mark.parametrize(("mode", "uid", "gid", "mtime"), [
    (0o755, 0, 0, 1_500_000_000), (0o7000, 65534, 100, 0), (0o2770, 1000, (1 << 32) - 2, -1),
    (0o1777, 3_000_000_000, 0, 1 << 33), (0o4711, 1, 2, -(1 << 31)), (0o700, 2_097_151, 2_097_152, 8_589_934_591)])
def test_it_is_what_tar_makes(tmp_path: Path, mode: int, uid: int, gid: int, mtime: int) -> None:
    made = tmp_path / "d"
    made.mkdir()
    os.chown(made, uid, gid)
    made.chmod(mode)
    os.utime(made, (mtime, mtime))
    if made.stat().st_mtime != mtime:
        pytest.skip("NOT TESTED here: this file system keeps no such time")
    archive = header_of(tmp_path, "--format=gnu")
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run(["tar", "-xp", "--numeric-owner"], cwd=out, input=archive, check=True, stderr=subprocess.DEVNULL)
    told = look_by(archive[:512], NOW)
    opened = os.open(out / "d", os.O_RDONLY | os.O_DIRECTORY)
    found = look_of(opened)
    os.close(opened)
    assert told is not None and told.atime == NOW
    assert (told.mode, told.uid, told.gid, told.mtime, told.attributes) == (mode, uid, gid, mtime * 10**9, {})
    assert (found.mode, found.uid, found.gid, found.mtime) == (told.mode, told.uid, told.gid, told.mtime)


def test_what_tells_not_everything_is_left_to_tar(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    good = header_of(tmp_path, "--format=gnu")[:512]
    assert look_by(good, NOW) is not None
    assert look_by(header_of(tmp_path, "--format=ustar")[:512], NOW) is None
    for begin, end, field in ((100, 108, b"\0" * 8), (108, 116, b"notanum\0"), (116, 124, b"\xff" * 8),
                              (136, 148, b"\x80" + b"\xfe" * 11)):
        assert look_by(good[:begin] + field + good[end:], NOW) is None
