"""A real Amanda 3.5.1 server drives our client: check, a full run, an incremental run, and its own tool restores."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.client import ROOT

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(
        shutil.which("amdump") is None or os.geteuid() != 0 or not Path("/etc/amanda").is_dir(),
        reason="NO Amanda SERVER HERE (or not root): our client behind it is NOT tested",
    ),
]

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
  auth "local"
  amandad-path "{here}/amandad"
  compress none
  index yes
}}
define dumptype squeezed {{
  plain
  compress client fast
  exclude "./*.tmp"
}}
"""


def as_backup(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["runuser", "-u", "backup", "--", *command], capture_output=True, text=True, cwd="/tmp")


@pytest.fixture(scope="module")
def site() -> Iterator[tuple[str, Path]]:
    """Name and directory of a configuration whose clients are ours."""
    python = next(
        (
            p
            for p in (sys.executable, "/usr/bin/python3")
            if as_backup(p, "-c", "import sys; sys.exit(sys.version_info < (3, 11))").returncode == 0
        ),
        None,
    )
    if python is None or as_backup("test", "-r", ROOT / "clientd" / "amandad.py").returncode:
        pytest.skip("THE USER backup CAN RUN NO PYTHON 3.11 HERE: our client behind a real Amanda is NOT tested")
    here = Path(tempfile.mkdtemp(prefix="taperoom-interop-"))
    name = here.name
    for folder in (
        "conf",
        "log",
        "index",
        "curinfo",
        "holding",
        "state",
        "data/sub",
        *(f"vtapes/slot{n}" for n in range(1, 5)),
    ):
        (here / folder).mkdir(parents=True)
    (here / "data" / "sub" / "ümlaut and blank").write_text("hello")
    (here / "data" / "text").write_bytes(b"text " * 50_000)
    (here / "data" / "no.tmp").write_text("not this")
    (here / "conf" / "amanda.conf").write_text(CONF.format(name=name, here=here))
    (here / "conf" / "disklist").write_text(
        f'localhost "{here}/data" plain\nlocalhost squeezed "{here}/data" squeezed\n'
    )
    (here / "conf" / "tapelist").touch()
    wrapper = here / "amandad"
    wrapper.write_text(
        f"#!/bin/sh\nexport PYTHONPATH={ROOT} TAPEROOM_CLIENT_STATE={here}/state TAPEROOM_CLIENT_ACCESS={here}/none\n"
        f'exec {python} -P -B -m clientd.amandad "$@" 2>>{here}/client.log\n'
    )
    wrapper.chmod(0o755)
    subprocess.run(["chown", "-R", "backup:backup", here], check=True)
    here.chmod(0o755)
    link = Path("/etc/amanda") / name
    link.symlink_to(here / "conf")
    yield name, here
    link.unlink()
    shutil.rmtree(here)


def log(here: Path) -> str:
    return max(here.glob("log/log.*.0")).read_text()


def test_a_real_server_drives_our_client(site: tuple[str, Path]) -> None:
    name, here = site
    checked = as_backup("amcheck", "-c", name)
    assert "0 problems found" in checked.stdout, checked.stdout

    ran = as_backup("amdump", name)
    assert ran.returncode == 0, log(here)
    assert "STRANGE" not in log(here)
    assert f"SUCCESS dumper localhost {here}/data" in log(here)
    whole = next(here.glob("vtapes/slot1/*data.0"))
    header = whole.read_bytes()[:32768].rstrip(b"\0").decode()
    assert header.startswith("AMANDA: SPLIT_FILE")
    assert "program /bin/tar" in header.splitlines()[0]
    assert "/bin/tar -xpGf - ..." in header
    listed = subprocess.run(
        f"dd if='{whole}' bs=32k skip=1 2>/dev/null | tar -t", shell=True, capture_output=True, text=True, check=True
    )
    assert "./sub/\\303\\274mlaut and blank" in listed.stdout or "./sub/ümlaut and blank" in listed.stdout
    squeezed = next(here.glob("vtapes/slot1/*squeezed.0"))
    assert "comp .gz" in squeezed.read_bytes()[:200].decode()
    listed = subprocess.run(
        f"dd if='{squeezed}' bs=32k skip=1 2>/dev/null | gzip -dc | tar -t",
        shell=True,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "./text" in listed.stdout and "no.tmp" not in listed.stdout
    index = subprocess.run(
        f"zcat {here}/index/localhost/squeezed/*_0*.gz", shell=True, capture_output=True, text=True, check=True
    )
    assert "/sub/\\303\\274mlaut and blank\n" in index.stdout

    (here / "data" / "sub" / "new").write_text("new")
    (here / "data" / "text").unlink()
    as_backup("amadmin", name, "force-level-1", "localhost")
    assert as_backup("amdump", name).returncode == 0, log(here)
    one = next(here.glob("vtapes/slot2/*data.1"))
    out = here / "out"
    out.mkdir()
    for part in (whole, one):
        subprocess.run(f"dd if='{part}' bs=32k skip=1 2>/dev/null | tar -xpGf - -C {out}", shell=True, check=True)
    subprocess.run(["diff", "-r", here / "data", out], check=True)
    fetched = as_backup("sh", "-c", f"yes '' | amfetchdump -p {name} localhost '^squeezed$' | tar -t")
    assert "./text" in fetched.stdout, fetched.stderr
    assert not (here / "client.log").exists() or not (here / "client.log").read_text()
