"""A real Amanda 3.5.1 server on this machine whose client is ours, in a directory of its own; Amanda knows it by a link in
/etc/amanda, which is gone afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import crc32c
import pytest

from tests.support import amanda
from tests.support.amanda_conf import PLAIN, amanda_conf, block, known, make_folders, write_disklist
from tests.support.client import ROOT
from tests.support.stock_client import in_private

_TAKEN, _TRIES = "ambind: bind failed", 5


@dataclass
class StockServer:
    """The server: its configuration's ``name``, its directory ``here``; ``private``: what stands where for its programs."""

    name: str
    here: Path
    private: dict[Path, Path] = field(default_factory=dict)

    def write(self, dumptypes: str, disks: Sequence[str]) -> None:
        """Its dumptypes beside ``plain``, and its disklist."""
        conf = self.here / "conf"
        (conf / "amanda.conf").write_text(amanda_conf(
            self.here, {
                "tpchanger": f'"chg-disk:{self.here}/vtapes"', "dumpcycle": "7 days", "tapecycle": 4, "inparallel": 4,
                "ctimeout": 20, "labelstr": '"^T-[0-9]+"', "autolabel": '"T-%%%" any'},
            tapetype={"length": "200 mbytes"}, holding={}, more=block("dumptype", "plain", PLAIN) + dumptypes))
        write_disklist(conf, disks)
        amanda.give(conf)

    def run(self, program: str, *words: str | Path, user: str = amanda.USER, cwd: Path | None = None,
            stdin: str = "") -> subprocess.CompletedProcess[str]:
        """One of its programs, with the configuration's name as its first word; again, a few times, when it met a port that is
        taken: a stock server tries only the first of its range that has no name in /etc/services, and gives its host up.
        A night that has dumps already is not run again: there would be more of them than the caller expects."""
        for _ in range(_TRIES):
            done = self.raw(program, self.name, *words, user=user, cwd=cwd, stdin=stdin)
            said = done.stdout + done.stderr + (self.log() if program == "amdump" else "")
            if _TAKEN not in said or "SUCCESS dumper" in said:
                break
        return done

    def raw(self, *words: str | Path, user: str = amanda.USER, cwd: Path | None = None,
            stdin: str = "") -> subprocess.CompletedProcess[str]:
        """A command as its user."""
        command = ["runuser", "-u", user, "--", *map(str, words)]
        if self.private:
            command = in_private(self.private, *command)
        return subprocess.run(command, capture_output=True, text=True, cwd=cwd or self.here, input=stdin, check=False,
                              errors="replace",
                              timeout=240)

    def log(self) -> str:
        """What its last run logged."""
        return max(self.here.glob("log/log.*.0"), key=lambda path: path.name).read_text()

    def said(self) -> str:
        """For a failing assertion: its log, and what our client said."""
        client = self.here / "client.log"
        return self.log() + (f"\n--- our client\n{client.read_text()}" if client.exists() else "")


@contextmanager
def stock_server() -> Iterator[StockServer]:
    """A server without disks."""
    amanda.need("our client behind a stock server")
    here = Path(tempfile.mkdtemp(prefix="taperoom-interop-"))
    try:
        make_folders(here, "state", *(f"vtapes/slot{number}" for number in range(1, 5)))
        here.chmod(0o755)
        amanda.give(here)
        with known(here.name, here / "conf"):
            yield StockServer(here.name, here)
    finally:
        shutil.rmtree(here)


def ours(wrapper: Path, here: Path, module: str = "clientd.amandad", **more: str) -> Path:
    """A program ``wrapper`` that is our client, or another module of it, with its state in ``here``, for the user of Amanda to
    run; what amandad complains of is kept in ``client.log``.  It takes checksums if that user's Python can."""
    python, library = python_of_amanda(), wrapper.with_name(f"{wrapper.name}.lib")
    library.mkdir()
    (library / "crc32c").symlink_to(Path(crc32c.__file__).parent)
    environment = {
        "PYTHONPATH": f"{ROOT}:{library}", "TAPEROOM_CLIENT_STATE": f"{here}/state",
        "TAPEROOM_CLIENT_ACCESS": f"{here}/access.toml", "TAPEROOM_CLIENT_AMANDAHOSTS": f"{here}/amandahosts", **more}
    log = f" 2>>{here}/client.log" if module == "clientd.amandad" else ""
    exports = "".join(f"export {key}='{value}'\n" for key, value in environment.items())
    wrapper.write_text(f'#!/bin/sh\n{exports}exec {python} -P -B -m {module} "$@"{log}\n')
    wrapper.chmod(0o755)
    return wrapper


def python_of_amanda() -> str:
    """A Python that Amanda's user can run, and our programs with it; skipped, loudly, where there is none."""
    python = next((path for path in (sys.executable, "/usr/bin/python3") if _runs(path)), None)
    readable = subprocess.run(["runuser", "-u", amanda.USER, "--", "test", "-r", ROOT / "clientd/amandad.py"], check=False)
    if python is None or readable.returncode:
        pytest.skip("THE USER backup CAN RUN NO PYTHON 3.11 HERE: our client behind a real Amanda is NOT tested")
    return python


def our_programs(what: str) -> tuple[str, str]:
    """A Python with which Amanda's user can run our server, and its PYTHONPATH; skipped, loudly, where there is none: ``what``
    is not tested then."""
    path = f"{ROOT}:{sysconfig.get_path('purelib')}"
    for python in (sys.executable, "/usr/bin/python3"):
        try_it = ["runuser", "-u", amanda.USER, "--", "env", f"PYTHONPATH={path}", python, "-P", "-m", "core.cli", "--version"]
        if os.access(python, os.X_OK) and not subprocess.run(try_it, capture_output=True, cwd="/", check=False).returncode:
            return python, path
    pytest.skip(f"NOT TESTED: {what}: the user {amanda.USER} can run no Python with our packages here")


def _runs(python: str) -> bool:
    test = [python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    return os.access(python, os.X_OK) and not subprocess.run(
        ["runuser", "-u", amanda.USER, "--", *test], capture_output=True, cwd="/", check=False).returncode
