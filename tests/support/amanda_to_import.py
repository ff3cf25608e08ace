"""A site of a real Amanda 3.5.1 in a directory: vtapes, a holding disk, this machine as its client, auth local."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support import amanda

SYSTEM = Path("/etc/amanda")
CONF = """
org "daily"
mailto ""
dumpuser "backup"
dumpcycle 7 days
runspercycle 7
tapecycle 4 tapes
runtapes 2
infofile "{here}/curinfo"
logdir "{here}/log"
indexdir "{here}/index"
tapelist "{here}/conf/tapelist"
diskfile "{here}/conf/disklist"
command-file "{here}/conf/command_file"
tpchanger "vt"
tapetype V
labelstr "^T-[0-9][0-9][0-9]$"
autolabel "T-%%%" empty volume-error
inparallel 2
maxdumps 2
ctimeout 10
reserve 0
{more}
define application app_amgtar {{
  plugin "amgtar"
}}
includefile "{here}/conf/types.conf"
define holdingdisk hold {{
  directory "{here}/holding"
  use 256 mb
}}
holdingdisk hold
define changer vt {{
  tpchanger "chg-disk:{here}/vtapes"
  property "num-slot" "5"
  property "auto-create-slot" "yes"
}}
define tapetype V {{
  length 64 mb
  part-size 1 mb
}}
"""
TYPES = """
define dumptype base {
  auth "local"
  index yes
  record yes
  priority high
}
define dumptype app {
  base
  program "APPLICATION"
  application "app_amgtar"
  compress none
}
define dumptype tar {
  base
  program "GNUTAR"
  compress client fast
}
"""


class AmandaSite:
    """One configuration under ``root``; its name is a link in /etc/amanda as long as it lives."""

    def __init__(self, root: Path, disklist: str, trees: Mapping[str, Mapping[str, bytes]], more: str = "") -> None:
        self.root = root
        self.conf = root / "conf"
        self.name = root.name
        for folder in ("conf", "log", "index", "curinfo", "holding", "vtapes", "data"):
            (root / folder).mkdir(parents=True)
        for name, files in trees.items():
            self.put(name, files)
        (self.conf / "amanda.conf").write_text(CONF.format(here=root, more=more))
        (self.conf / "types.conf").write_text(TYPES)
        (self.conf / "disklist").write_text(disklist.format(data=root / "data"))
        (self.conf / "tapelist").touch()
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
        """Every file of the site with its time and content: whether somebody touched anything."""
        return {str(path.relative_to(self.root)): (path.stat().st_mtime_ns, path.read_bytes())
                for path in sorted(self.root.rglob("*")) if path.is_file() and "data/" not in str(path)}


@contextmanager
def a_site(disklist: str, trees: Mapping[str, Mapping[str, bytes]], more: str = "") -> Iterator[AmandaSite]:
    """A site that is gone afterwards."""
    if not SYSTEM.is_dir():
        amanda.need("a site of a real Amanda (there is no /etc/amanda)")
    with amanda.open_place() as place:
        site = AmandaSite(place / f"site{os.getpid()}-{place.name[-6:].strip('_')}", disklist, trees, more)
        link = SYSTEM / site.name
        link.symlink_to(site.conf)
        try:
            yield site
        finally:
            link.unlink()
