"""A real Amanda 3.5.1 server on this machine whose client is ours, in a directory of its own; Amanda knows it by a link in
/etc/amanda, which is gone afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support import amanda
from tests.support.client import ROOT
from tests.support.stock_client import in_private

CONF = """
org "{name}"
dumpuser "backup"
mailto ""
infofile "{here}/curinfo"
logdir "{here}/log"
indexdir "{here}/index"
tapelist "{here}/conf/tapelist"
diskfile "{here}/conf/disklist"
tpchanger "chg-disk:{here}/vtapes"
dumpcycle 7 days
tapecycle 4
inparallel 4
ctimeout 20
labelstr "^T-[0-9]+"
autolabel "T-%%%" any
tapetype V
define tapetype V {{
  length 200 mbytes
}}
holdingdisk h {{
  directory "{here}/holding"
}}
define dumptype plain {{
  program "GNUTAR"
  compress none
  index yes
}}
"""


@dataclass
class StockServer:
    """The server: its configuration's ``name``, its directory ``here``; ``private``: what stands where for its programs."""

    name: str
    here: Path
    private: dict[Path, Path] = field(default_factory=dict)

    def write(self, dumptypes: str, disks: Sequence[str]) -> None:
        """Its dumptypes beside ``plain``, and its disklist."""
        conf = self.here / "conf/amanda.conf"
        conf.write_text(CONF.format(name=self.name, here=self.here) + dumptypes)
        (self.here / "conf/disklist").write_text("".join(f"{line}\n" for line in disks))
        amanda.give(self.here / "conf")

    def run(self, program: str, *words: str | Path, user: str = amanda.USER, cwd: Path | None = None,
            stdin: str = "") -> subprocess.CompletedProcess[str]:
        """One of its programs, with the configuration's name as its first word."""
        return self.raw(program, self.name, *words, user=user, cwd=cwd, stdin=stdin)

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
    if not Path("/etc/amanda").is_dir():
        pytest.skip("NOT TESTED: our client behind a stock server: there is no /etc/amanda")
    here = Path(tempfile.mkdtemp(prefix="taperoom-interop-"))
    link = Path("/etc/amanda") / here.name
    try:
        folders = ("conf", "log", "index", "curinfo", "holding", "state", *(f"vtapes/slot{n}" for n in range(1, 5)))
        for folder in folders:
            (here / folder).mkdir(parents=True)
        (here / "conf/tapelist").touch()
        here.chmod(0o755)
        amanda.give(here)
        link.symlink_to(here / "conf")
        yield StockServer(here.name, here)
    finally:
        link.unlink(missing_ok=True)
        shutil.rmtree(here)


def ours(wrapper: Path, here: Path, module: str = "clientd.amandad", **more: str) -> Path:
    """A program ``wrapper`` that is our client, or another module of it, with its state in ``here``, for the user of Amanda to
    run; what amandad complains of is kept in ``client.log``."""
    python = next((path for path in (sys.executable, "/usr/bin/python3") if _runs(path)), None)
    readable = subprocess.run(["runuser", "-u", amanda.USER, "--", "test", "-r", ROOT / "clientd/amandad.py"], check=False)
    if python is None or readable.returncode:
        pytest.skip("THE USER backup CAN RUN NO PYTHON 3.11 HERE: our client behind a real Amanda is NOT tested")
    environment = {
        "PYTHONPATH": str(ROOT), "TAPEROOM_CLIENT_STATE": f"{here}/state", "TAPEROOM_CLIENT_ACCESS": f"{here}/access.toml",
        "TAPEROOM_CLIENT_AMANDAHOSTS": f"{here}/amandahosts", **more}
    log = f" 2>>{here}/client.log" if module == "clientd.amandad" else ""
    exports = "".join(f"export {key}='{value}'\n" for key, value in environment.items())
    wrapper.write_text(f'#!/bin/sh\n{exports}exec {python} -P -B -m {module} "$@"{log}\n')
    wrapper.chmod(0o755)
    return wrapper


def _runs(python: str) -> bool:
    test = [python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    return os.access(python, os.X_OK) and not subprocess.run(
        ["runuser", "-u", amanda.USER, "--", *test], capture_output=True, cwd="/", check=False).returncode
