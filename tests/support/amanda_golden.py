"""The recorded site of a real Amanda 3.5.1, laid out in a directory as it was on its server."""

from __future__ import annotations

import shutil
from pathlib import Path

GOLDEN = Path(__file__).parents[1] / "golden" / "amanda-3.5.1"


def lay_out(base: Path) -> Path:
    """Configuration ``fixt`` with its state, its volumes and what is left on its holding disk; its directory."""
    conf, here = base / "fixt", base / "amtest"
    conf.mkdir(parents=True)
    text = (GOLDEN / "conf/amanda.conf").read_text()
    (conf / "amanda.conf").write_text(text.replace("/srv/amtest/fixt", str(here)).replace("/etc/amanda/fixt", str(conf)))
    shutil.copyfile(GOLDEN / "tapelist", conf / "tapelist")
    for name in ("disklist", "command_file"):
        shutil.copyfile(GOLDEN / "state" / name, conf / name)
    shutil.copytree(GOLDEN / "state/curinfo", here / "curinfo")
    shutil.copytree(GOLDEN / "vtapes-fixt", here / "vtapes")
    shutil.copytree(GOLDEN / "index", here / "index")
    (here / "log").mkdir()
    (here / "holding").mkdir()
    for log in (GOLDEN / "state").glob("log.*"):
        shutil.copyfile(log, here / "log" / log.name)
    return conf
