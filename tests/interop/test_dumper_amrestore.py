"""A holding file of ours, read by the amrestore of a real Amanda."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.protocol.dumper import Done
from tests.support.dumper import STAMP, Dumper, Place

pytestmark = pytest.mark.interop


@pytest.fixture
def open_path(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory that Amanda's own user can read: pytest's is closed to it."""
    if shutil.which("amrestore") is None:
        pytest.skip("amrestore (package amanda-server) is not installed: holding files are not checked with it")
    if os.geteuid() != 0 and pwd.getpwuid(os.geteuid()).pw_name != "backup":
        pytest.skip("amrestore runs only as the user backup, which only root can become")
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        monkeypatch.setenv("TAPEROOM_CLIENT_STATE", f"{name}/client")
        yield Path(name)


def restored(path: Path) -> list[str]:
    become = ["setpriv", "--reuid=backup", "--regid=backup", "--init-groups"] if os.geteuid() == 0 else []
    done = subprocess.run([*become, "amrestore", "-p", str(path)], capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert b"FILE: date " + STAMP.encode() in done.stderr
    listed = subprocess.run(["tar", "-t"], input=done.stdout, capture_output=True, check=True)
    return sorted(listed.stdout.decode().split())


@pytest.mark.parametrize(("compress", "chunksize"), [("none", 0), ("none", 64), ("client fast", 0), ("server best", 96)])
def test_amrestore_reads_it(open_path: Path, compress: str, chunksize: int) -> None:
    place = Place(open_path)
    tree = open_path / "tree"
    tree.mkdir()
    for number in range(3):
        (tree / f"file{number}").write_bytes(os.urandom(100_000))
    place.configure(compress=compress, amandad="")
    place.config.write_text(place.config.read_text().replace('"/home"', f'"{tree}"'))
    with Dumper(place.config) as dumper:
        dumper.tell(place.order(disk=str(tree), chunksize=chunksize))
        report = dumper.hear()
        assert isinstance(report, Done), report
    for path in (place.holding, place.path.parent):
        path.chmod(0o755)
    files = list(place.path.parent.iterdir())
    for path in files:
        path.chmod(0o644)
    assert len(files) > (2 if chunksize else 0)
    assert restored(place.path) == ["./", "./file0", "./file1", "./file2"]
