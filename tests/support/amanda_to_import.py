"""A site of a real Amanda 3.5.1 in a directory: vtapes, a holding disk, this machine as its client, auth local."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support import amanda
from tests.support.amanda_conf import amanda_conf, block, known, make_folders

TYPES = "".join((
    block("dumptype", "base", {"auth": '"local"', "index": "yes", "record": "yes", "priority": "high"}),
    block("dumptype", "app", {"program": '"APPLICATION"', "application": '"app_amgtar"', "compress": "none"}, "base"),
    block("dumptype", "tar", {"program": '"GNUTAR"', "compress": "client fast"}, "base")))


def text_of(here: Path, more: str) -> str:
    """Its amanda.conf, with the dumptypes in a file of their own."""
    return amanda_conf(
        here, {
            "dumpcycle": "7 days", "runspercycle": 7, "tapecycle": "4 tapes", "runtapes": 2, "tpchanger": '"vt"',
            "labelstr": '"^T-[0-9][0-9][0-9]$"', "autolabel": '"T-%%%" empty volume-error', "inparallel": 2, "maxdumps": 2,
            "ctimeout": 10, "reserve": 0},
        org="daily", tapetype={"length": "64 mb", "part-size": "1 mb"}, holding={"use": "256 mb"},
        more="".join((
            more, "\n", block("application", "app_amgtar", {"plugin": '"amgtar"'}), f'includefile "{here}/conf/types.conf"\n',
            block("changer", "vt", {"tpchanger": f'"chg-disk:{here}/vtapes"',
                                    "property": ('"num-slot" "5"', '"auto-create-slot" "yes"')}))))


class AmandaSite:
    """One configuration under ``root``; its name is a link in /etc/amanda as long as it lives."""

    def __init__(self, root: Path, disklist: str, trees: Mapping[str, Mapping[str, bytes]], more: str = "") -> None:
        self.root = root
        self.conf = root / "conf"
        self.name = root.name
        make_folders(root, "vtapes", "data")
        for name, files in trees.items():
            self.put(name, files)
        (self.conf / "amanda.conf").write_text(text_of(root, more))
        (self.conf / "types.conf").write_text(TYPES)
        (self.conf / "disklist").write_text(disklist.format(data=root / "data"))
        amanda.give(root)

    def put(self, name: str, files: Mapping[str, bytes]) -> None:
        """Write files below ``data/NAME``."""
        for path, data in files.items():
            target = self.root / "data" / name / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)

    def run(self, *command: str) -> subprocess.CompletedProcess[bytes]:
        """One of Amanda's programs, as its user."""
        return amanda.as_user(*command, cwd=self.conf)

    def amdump(self, *arguments: str) -> None:
        """One night; its data are made Amanda's first, so that its client may read them."""
        amanda.give(self.root / "data")
        done = self.run("amdump", self.name, *arguments)
        assert done.returncode == 0, (done, self.logs())

    def logs(self) -> str:
        """What the last nights said: for a failing assertion."""
        return "\n".join(path.read_text(errors="replace")[-4000:] for path in sorted((self.root / "log").glob("log.*.0")))

    def snapshot(self) -> dict[str, tuple[int, bytes]]:
        """Every file of the site with time and content, every directory and link with its time: what somebody touched is not
        the same."""
        return {str(path.relative_to(self.root)): (path.lstat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
                for path in sorted(self.root.rglob("*")) if "data/" not in str(path)}


@contextmanager
def a_site(disklist: str, trees: Mapping[str, Mapping[str, bytes]], more: str = "") -> Iterator[AmandaSite]:
    """A site that is gone afterwards."""
    amanda.need("a site of a real Amanda")
    with amanda.open_place() as place:
        site = AmandaSite(place / f"site{os.getpid()}-{place.name[-6:].strip('_')}", disklist, trees, more)
        with known(site.name, site.conf):
            yield site
