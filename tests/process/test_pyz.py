"""The client as one file: what is in it, that it is the same each time, and that it runs with Python alone."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from core.wire.transports import agent as module
from core.wire.transports import connect
from core.wire.transports.agent import agent, build, made
from tests.support.bare import a_python
from tests.support.client import ROOT, a_disk, dump

BARE = {"PATH": "/usr/bin:/bin"}


@pytest.fixture(scope="module")
def pyz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As ``make pyz`` makes it."""
    file = tmp_path_factory.mktemp("pyz") / "dist/taperoom-clientd.pyz"
    done = subprocess.run([sys.executable, "-P", "-m", "core.wire.transports.agent", str(file)], cwd=ROOT, capture_output=True,
                          text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)
    assert done.returncode == 0 and "SHA-256" in done.stdout, done
    return file


def test_every_module_in_it_is_whole(pyz: Path) -> None:
    with zipfile.ZipFile(pyz) as archive:
        names = archive.namelist()
    modules = [name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in names if name != "__main__.py"]
    assert "clientd.amandad" in modules and "core.landing.target" in modules
    assert not any(name.startswith(("core.wire.transports", "core.config", "tui")) for name in modules)
    # One by one, so that none of them lives on what another one has loaded; and all of it with the standard library alone.
    code = ("import sys; sys.path.insert(0, sys.argv[1])\nimport importlib\n"
            "for name in sys.argv[2:]:\n try: importlib.import_module(name)\n"
            " except ModuleNotFoundError as fault:\n  if fault.name != 'crc32c': raise\n"
            "strange = {m.split('.')[0] for m in sys.modules} - set(sys.stdlib_module_names)\n"
            "assert strange <= {'core', 'clientd', '__main__'}, strange\n")
    done = subprocess.run([a_python(), "-I", "-S", "-c", code, str(pyz), *modules], env=BARE, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr


def test_the_same_input_gives_the_same_bytes(pyz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert pyz.read_bytes() == build() and os.access(pyz, os.X_OK)
    # From another place, with other dates, found in another order: as an installed package has them.
    for package in ("core", "clientd"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    done = subprocess.run([sys.executable, "-P", "-m", "core.wire.transports.agent", str(tmp_path / "again.pyz")], cwd=tmp_path,
                          env={**os.environ, "PYTHONPATH": str(tmp_path), "TZ": "Asia/Tokyo"}, capture_output=True, check=False)
    assert done.returncode == 0, done
    assert (tmp_path / "again.pyz").read_bytes() == pyz.read_bytes()
    other = dict(module._sources())
    other["clientd/__init__.py"] = tmp_path / "other.py"
    (tmp_path / "other.py").write_text('"""Another one."""\n')
    assert build(other) != build()


def test_it_is_a_client_that_runs_by_itself(pyz: Path, tmp_path: Path) -> None:
    from core.model.disk import Host

    (tmp_path / "data").mkdir()
    (tmp_path / "data/file").write_bytes(b"x" * 50000)
    host = Host("localhost", amandad=("env", "-i", f"HOME={tmp_path}", f"TAPEROOM_CLIENT_STATE={tmp_path}/state",
                                      a_python(), "-I", str(pyz), "-auth=local"))
    connection = connect(host, "local")
    done = dump(connection, a_disk(host, tmp_path / "data"), 0)
    connection.close()
    assert done.mesg.error is None and len(done.data) > 50000
    helped = subprocess.run([a_python(), "-I", pyz, "listen", "--help"], env=BARE, capture_output=True, text=True, check=False)
    assert helped.returncode == 0 and "--port" in helped.stdout


def test_an_older_python_is_told_what_it_lacks(pyz: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(pyz.read_bytes())) as archive:
        main = archive.read("__main__.py").decode()
    code = f"import sys\nsys.version_info = (3, 9, 2)\n{main}"
    done = subprocess.run([a_python(), "-I", "-c", code], capture_output=True, text=True, env=BARE, check=False)
    assert (done.returncode, done.stderr) == (1, "taperoom-clientd: this is Python 3.9, and 3.11 or newer is needed\n")


def test_the_server_keeps_what_it_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAPEROOM_CACHE", str(tmp_path / "cache"))
    made.cache_clear()
    try:
        first = agent()
        [kept] = (tmp_path / "cache").iterdir()
        assert kept.read_bytes() == first.data and first.checksum in kept.name
        kept.write_bytes(b"damaged")
        made.cache_clear()
        assert agent().data == first.data and kept.read_bytes() == first.data
        (tmp_path / "cache").chmod(0o777)  # somebody else could have written there
        kept.write_bytes(b"evil")
        made.cache_clear()
        assert agent().data == first.data and kept.read_bytes() == b"evil"
        monkeypatch.setenv("TAPEROOM_CACHE", "/proc/no/such")
        made.cache_clear()
        assert agent().data == first.data
    finally:
        made.cache_clear()
