"""Our client as an application for a stock Amanda client: each command as that client calls it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.client import ROOT
from tests.support.dumps import manifest


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    top = tmp_path / "tree"
    (top / "sub dir").mkdir(parents=True)
    (top / "text").write_bytes(b"text " * 30_000)
    (top / "sub dir/ü").write_bytes(b"u")
    (top / "no.tmp").write_bytes(b"no")
    return top


def run(tmp_path: Path, *words: str, to: dict[int, Path] | None = None, stdin: bytes = b"", cwd: Path | None = None,
        **more: str) -> subprocess.CompletedProcess[bytes]:
    redirections = " ".join(f"{number}>'{path}'" for number, path in (to or {}).items())
    environment = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "TAPEROOM_CLIENT_STATE": f"{tmp_path}/state", **more}
    return subprocess.run(
        ["bash", "-c", f'exec "$@" {redirections}', "x", sys.executable, "-P", "-m", "clientd.application", *words],
        input=stdin, capture_output=True, env=environment, cwd=cwd or tmp_path, check=False, timeout=60)


def backup(tmp_path: Path, tree: Path, level: int, *more: str) -> tuple[bytes, str, str, str, int]:
    """Archive, messages, index, state, exit status."""
    to = {3: tmp_path / "mesg", 4: tmp_path / "index", 7: tmp_path / "states"}
    done = run(tmp_path, "backup", "--message", "line", "--config", "c", "--host", "web1", "--disk", "a disk", "--device",
               str(tree), "--level", str(level), "--index", "line", "--state-stream", "7", "--record", *more, to=to)
    assert done.stderr == b""
    return (done.stdout, *(path.read_text() for path in to.values()), done.returncode)  # type: ignore[return-value]


def test_two_levels_and_back(tmp_path: Path, tree: Path) -> None:
    full, mesg, index, state, status = backup(tmp_path, tree, 0, "--exclude-file", "./*.tmp")
    assert status == 0 and mesg.splitlines()[-1] == f"sendbackup: size {len(full) // 1024}" and "?" not in mesg
    assert index.splitlines() == ["/", "/sub dir/", "/text", r"/sub dir/\303\274"] and state.startswith("0 /\n")
    sizes = run(tmp_path, "estimate", "--host", "web1", "--disk", "a disk", "--device", str(tree), "--level", "0",
                "--level", "1", "--exclude-file", "./*.tmp")
    assert sizes.stdout.decode().splitlines() == [f"0 {len(full) // 1024} 1", "1 10 1"]
    (tree / "text").unlink()
    (tree / "no.tmp").unlink()
    (tree / "new").write_bytes(b"new")
    incremental, *_, status = backup(tmp_path, tree, 1)
    assert status == 0 and len(incremental) < 20_000
    out = tmp_path / "out"
    out.mkdir()
    for archive in (full, incremental):
        assert run(tmp_path, "restore", stdin=archive, cwd=out).returncode == 0
    assert manifest(out) == manifest(tree)
    listed = run(tmp_path, "index", stdin=full).stdout.decode()
    assert listed == index
    some = tmp_path / "some"
    some.mkdir()
    (some / "mine").write_text("stays")
    assert run(tmp_path, "restore", "--target", str(some), "./sub dir/ü", "/text", stdin=full).returncode == 0
    assert sorted(path.name for path in some.rglob("*")) == ["mine", "sub dir", "text", "ü"]


def test_faults(tmp_path: Path, tree: Path) -> None:
    data, mesg, *_, status = backup(tmp_path, tmp_path / "none", 0)
    assert (data, mesg, status) == (b"", f"sendbackup: error [CLT021 {tmp_path}/none does not exist]\n", 1)
    done = run(tmp_path, "selfcheck", "--disk", str(tree), "--device", str(tree))
    assert done.returncode == 0 and all(line.startswith("OK ") for line in done.stdout.decode().splitlines())
    done = run(tmp_path, "selfcheck", "--disk", str(tmp_path / "none"))
    assert f"ERROR CLT021 {tmp_path}/none does not exist\n" in done.stdout.decode()
    done = run(tmp_path, "estimate", "--disk", str(tmp_path / "none"), "--level", "0")
    assert (done.stdout.decode(), done.returncode) == (f"ERROR CLT021 {tmp_path}/none does not exist\n", 1)
    done = run(tmp_path, "backup", "--gnutar-path", "/bin/evil", "--disk", str(tree))
    assert done.returncode == 1 and done.stderr.decode() == (
        "ERROR CLT025 amtaperoom knows no property or option '--gnutar-path', or it lacks its value\n")
    assert run(tmp_path, "discover").returncode == 2 and run(tmp_path).returncode == 2
    done = run(tmp_path, "restore", TAPEROOM_CLIENT_TAR="/nonexistent", stdin=b"x")
    assert done.returncode == 1 and b"CLT023 /nonexistent cannot be run" in done.stderr
    assert b"MAX-LEVEL 399\n" in run(tmp_path, "support").stdout
