"""Whole nights through the transport tls: full and incremental, and a client whose listener dies in the middle of a dump."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

from clientd.tls.identity import install
from core.cli.main import run
from core.client import enrol as doing
from core.client.runs import live_run
from core.events.view import DiskState
from tests.support.night import wait_for
from tests.support.small_site import SmallSite
from tests.support.tls import Ends, listening

TREE = {"letter.txt": b"dear reader\n" * 100, "deep/er/file": bytes(range(256)) * 200, "with blank and ü": b"x"}


def site_of(root: Path) -> tuple[SmallSite, Ends]:
    """Two clients' disks, one of them by tls, and that client enrolled."""
    site = SmallSite(root / "site", {"web1:/home": TREE, "web1:/etc": {"passwd": b"root\n"}, "db2:/x": {"f": b"1"}},
                     hosts={"web1": {"address": "127.0.0.1", "port": 20085}}, dumptype={"retry": 9},
                     disks={"web1:/home": {"auth": "tls"}, "web1:/etc": {"auth": "tls", "compress": "client fast"}})
    ends = Ends(site.site.tls_dir, root / "client")
    install(doing.enrol(site.site, "web1", renew=False, days=100).text, ends.client)
    return site, ends


def reach(site: SmallSite, port: int) -> None:
    site.config.write_text(site.config.read_text().replace("port = 20085", f"port = {port}"))


def test_two_nights(tmp_path: Path) -> None:
    site, ends = site_of(tmp_path)
    with listening(ends) as listener:
        reach(site, listener.port)
        first = site.amdump()
        assert first.returncode == 0, first.stdout + first.stderr + site.logs()
        assert {(d.level, d.state) for d in site.view().disks.values()} == {(0, DiskState.DONE)}
        assert all(d.estimate for d in site.view().disks.values()), "its client was asked"
        (site.data("web1:/home") / "new").write_bytes(b"new\n")
        second = site.amdump()
        assert second.returncode == 0, second.stdout + second.stderr + site.logs()
        home = site.view().disks["web1", str(site.data("web1:/home"))]
        assert (home.level, home.state) == (1, DiskState.DONE)
        wait_for(lambda: not listener.family(), lambda: str(listener.lines))
    disk = f"web1:{site.data('web1:/home')}"
    assert run(["--config", str(site.config), "restore", disk, "--to", str(tmp_path / "back")]) == 0
    restored = {str(p.relative_to(tmp_path / "back")): p.read_bytes() for p in (tmp_path / "back").rglob("*") if p.is_file()}
    assert {name: data for name, data in restored.items() if not name.startswith(".")} == {**TREE, "new": b"new\n"}


def test_a_listener_that_dies_in_mid_dump_and_comes_back(tmp_path: Path) -> None:
    site, ends = site_of(tmp_path)
    tar, mark = tmp_path / "tar", tmp_path / "begun"
    # The first dump writes some of it and stands still.
    tar.write_text(f"""#!/bin/sh
case "$*" in *--create*)
    if mkdir {mark} 2>/dev/null; then head -c 200000 /dev/zero; exec cat {tmp_path}/never; fi;;
esac
exec /bin/tar "$@"
""")
    tar.chmod(0o755)
    os.mkfifo(tmp_path / "never")
    with listening(ends, TAPEROOM_CLIENT_TAR=str(tar)) as listener:
        reach(site, listener.port)
        night = site.start("amdump")
        wait_for(lambda: mark.exists() and live_run(site.root / "state"), site.logs)
        family = listener.family()
        listener.stop(signal.SIGKILL)
        for pid in family:
            with suppress(ProcessLookupError):  # one that died of the other's death
                os.kill(pid, signal.SIGKILL)
    with listening(ends, port=listener.port):
        assert night.wait(120) == 0, site.logs()
    assert {disk.state for disk in site.view().disks.values()} == {DiskState.DONE}
    journal = (site.run().path / "journal.jsonl").read_text()
    assert "CLT001 the connection to web1 ended" in journal
