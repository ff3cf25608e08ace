"""A small site of a real Amanda 3.5.1: a configuration under /etc/amanda, its client on this machine, vtapes in a directory."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support import amanda
from tests.support.amanda_conf import PLAIN, amanda_conf, block, known, make_folders, write_disklist

ZSTD = '"/usr/bin/zstd"'
DUMPTYPES = "".join((
    block("application", "app_gtar", {"plugin": '"amgtar"'}), block("dumptype", "plain", PLAIN),
    block("dumptype", "app-plain", {"program": '"APPLICATION"', "application": '"app_gtar"'}, "plain"),
    block("dumptype", "gzip-client", {"compress": "client fast"}, "app-plain"),
    block("dumptype", "gzip-server", {"compress": "server best"}, "plain"),
    block("dumptype", "zstd-client", {"compress": "client custom", "client-custom-compress": ZSTD}, "app-plain"),
    block("dumptype", "zstd-server", {"compress": "server custom", "server-custom-compress": ZSTD}, "plain"),
    block("dumptype", "direct", {"holdingdisk": "never"}, "plain")))


class AmandaSite:
    """A configuration in ``here``; Amanda's commands know it as `name`.  ``own_snapshots``: its client keeps what it needs
    for incrementals there, too, not where the client of this machine has it."""

    def __init__(self, here: Path, vtapes: Path, disks: Mapping[str, tuple[Path, str]], *, own_snapshots: bool = True,
                 **settings: object) -> None:
        self.here, self.vtapes, self.name = here, vtapes, here.name
        make_folders(here, "snapshots")
        vtapes.mkdir(exist_ok=True)
        plain = {"dumpcycle": 7, "tapecycle": 3, "runtapes": 4, "label": "AM", "autolabel": "", "length": 65536, "part": 0,
                 "chunk": 1048576}
        words = {**plain, **settings}
        changer = f'"chg-disk:{vtapes}"'
        (here / "conf/amanda.conf").write_text(amanda_conf(
            here, {
                "tpchanger": changer, **{key: words[key] for key in ("dumpcycle", "tapecycle", "runtapes")}, "runspercycle": 2,
                "labelstr": f'"^{words["label"]}-[0-9]+$"', "autolabel": f'"{words["label"]}-%%%" {words["autolabel"]}',
                "reserve": 0},
            tapetype={"length": f"{words['length']} kbytes", "part-size": f"{words['part']} kbytes"},
            holding={"chunksize": f"{words['chunk']} kbytes"},
            more=block("changer", "impatient", {"tpchanger": changer, "property": '"lock-timeout" "0"'}) + DUMPTYPES))
        write_disklist(here / "conf", (f'localhost "{disk}" "{top}" {kind}' for disk, (top, kind) in disks.items()))
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
    site.give()
    with known(site.name, site.conf):
        yield site


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
