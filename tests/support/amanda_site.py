"""A small site of a real Amanda 3.5.1: a configuration under /etc/amanda, its client on this machine, vtapes in a directory."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support import amanda

CONF = """
org "{name}"
dumpuser "backup"
mailto ""
infofile "{here}/curinfo"
logdir "{here}/log"
indexdir "{here}/index"
tapelist "{here}/conf/tapelist"
diskfile "{here}/conf/disklist"
tpchanger "chg-disk:{vtapes}"
dumpcycle {dumpcycle}
runspercycle 2
tapecycle {tapecycle}
runtapes {runtapes}
labelstr "^{label}-[0-9]+$"
autolabel "{label}-%%%" {autolabel}
tapetype V
define tapetype V {{
  length {length} kbytes
  part-size {part} kbytes
}}
define changer impatient {{
  tpchanger "chg-disk:{vtapes}"
  property "lock-timeout" "0"
}}
define holdingdisk h {{
  directory "{here}/holding"
  chunksize {chunk} kbytes
}}
holdingdisk h
reserve 0
define application app_gtar {{
  plugin "amgtar"
}}
define dumptype plain {{
  program "GNUTAR"
  auth "local"
  compress none
  index yes
}}
define dumptype app-plain {{
  plain
  program "APPLICATION"
  application "app_gtar"
}}
define dumptype gzip-client {{
  app-plain
  compress client fast
}}
define dumptype gzip-server {{
  plain
  compress server best
}}
define dumptype zstd-client {{
  app-plain
  compress client custom
  client-custom-compress "/usr/bin/zstd"
}}
define dumptype zstd-server {{
  plain
  compress server custom
  server-custom-compress "/usr/bin/zstd"
}}
define dumptype direct {{
  plain
  holdingdisk never
}}
"""


class AmandaSite:
    """A configuration in ``here``; Amanda's commands know it as `name`.  ``own_snapshots``: its client keeps what it needs
    for incrementals there, too, not where the client of this machine has it."""

    def __init__(self, here: Path, vtapes: Path, disks: Mapping[str, tuple[Path, str]], *, own_snapshots: bool = True,
                 **settings: object) -> None:
        self.here, self.vtapes, self.name = here, vtapes, here.name
        for folder in ("conf", "log", "index", "curinfo", "holding", "snapshots"):
            (here / folder).mkdir(parents=True)
        vtapes.mkdir(exist_ok=True)
        plain = {"dumpcycle": 7, "tapecycle": 3, "runtapes": 4, "label": "AM", "autolabel": "", "length": 65536, "part": 0,
                 "chunk": 1048576}
        words = {**plain, **settings, "name": self.name, "here": here, "vtapes": vtapes}
        (here / "conf/amanda.conf").write_text(CONF.format(**words))
        (here / "conf/disklist").write_text("".join(
            f'localhost "{disk}" "{top}" {kind}\n' for disk, (top, kind) in disks.items()))
        (here / "conf/tapelist").touch()
        if own_snapshots:
            (here / "conf/amanda-client.conf").write_text(f'gnutar-list-dir "{here}/snapshots"\n')

    @property
    def conf(self) -> Path:
        """The configuration's directory."""
        return self.here / "conf"

    @property
    def tapelist(self) -> list[str]:
        """The lines of its tapelist, newest first."""
        return (self.conf / "tapelist").read_text().splitlines()

    def slots(self, count: int) -> None:
        """Empty slots, 1 to ``count``, as an administrator of Amanda makes them."""
        for number in range(1, count + 1):
            (self.vtapes / f"slot{number}").mkdir(exist_ok=True)
        self.give()

    def give(self) -> None:
        """All that is here becomes Amanda's user's."""
        amanda.give(self.here, self.vtapes)

    def run(self, program: str, *arguments: str, more: str = "") -> subprocess.CompletedProcess[bytes]:
        """One of Amanda's commands on this configuration; ``more`` is a pipe that goes on with its output."""
        if not more:
            return amanda.as_user(program, *arguments, cwd=self.here)
        words = " ".join(f"'{word}'" for word in (program, *arguments))
        return amanda.as_user("bash", "-o", "pipefail", "-c", f"yes '' 2>/dev/null | {words} | {more}; exit ${{PIPESTATUS[1]}}",
                              cwd=self.here)

    def amdump(self, *arguments: str, code: int = 0) -> str:
        """One night; its trace log."""
        done = self.run("amdump", self.name, *arguments)
        log = self.log()
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr, log)
        return log

    def log(self) -> str:
        """The newest trace log."""
        found = sorted(self.here.glob("log/log.*.0"))
        return found[-1].read_text() if found else ""

    def stamps(self) -> list[str]:
        """The datestamps of its runs."""
        return sorted(path.name.split(".")[1] for path in self.here.glob("log/log.*.0"))


@contextmanager
def amanda_site(here: Path, vtapes: Path, disks: Mapping[str, tuple[Path, str]], *, own_snapshots: bool = True,
                **settings: object) -> Iterator[AmandaSite]:
    """The site, known to Amanda's commands as long as this lasts."""
    site = AmandaSite(here, vtapes, disks, own_snapshots=own_snapshots, **settings)
    place = Path("/etc/amanda")
    made = not place.is_dir()
    place.mkdir(exist_ok=True)
    link = place / site.name
    link.symlink_to(site.conf)
    site.give()
    try:
        yield site
    finally:
        link.unlink()
        if made:
            shutil.rmtree(place, ignore_errors=True)


def snapshots_of(disk: Path) -> list[Path]:
    """What a stock client keeps on this machine of a disk that lies there: to be removed after a test."""
    places = (Path("/var/lib/amanda/gnutar-lists"),)
    mark = str(disk).replace("/", "_")
    return [path for place in places if place.is_dir() for path in place.iterdir() if mark in path.name]


def slot_bytes(slot: Path) -> dict[str, bytes]:
    """Every file in a slot."""
    return {path.name: path.read_bytes() for path in sorted(slot.iterdir()) if path.is_file()} if slot.is_dir() else {}


def owner(path: Path) -> int:
    """Who owns it."""
    return os.stat(path).st_uid
