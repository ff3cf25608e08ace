"""Networks that fail under a real night: a client behind a cable that is pulled in mid-dump, by tls and through a real sshd."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from clientd.tls.identity import install
from core.client import enrol as doing
from core.client.runs import live_run
from core.events.view import DiskState
from core.model.disk import Host
from tests.support.client import ROOT
from tests.support.network import Network, network
from tests.support.night import wait_for
from tests.support.small_site import SmallSite
from tests.support.sshd import NEEDS_SSHD, sshd
from tests.support.tls import Ends, descendants, listening

TREES = {"far:/home": {"letter": b"dear reader\n" * 100, "noise": os.urandom(300_000)}, "near:/etc": {"passwd": b"root\n"}}
PATIENCE = {"connect_timeout": "3 s", "estimate_timeout": "20 s", "data_timeout": "2 s"}


def tar_that_never_ends(root: Path) -> Path:
    """A tar whose first dump writes a little again and again for ever; ``begun`` is there once it does."""
    tar = root / "tar"
    tar.write_text(f"""#!/bin/sh
case "$*" in *--create*)
    if mkdir {root}/begun 2>/dev/null; then
        while head -c 20000 /dev/zero; do sleep 0.1; done
        exit 1
    fi;;
esac
exec /bin/tar "$@"
""")
    tar.chmod(0o755)
    return tar


@contextmanager
def by_tls(site: SmallSite, far: Network, tar: Path) -> Iterator[None]:
    """The client ``far`` listens there; the configuration says where."""
    ends = Ends(site.site.tls_dir, site.root / "far")
    install(doing.enrol(site.site, "far", renew=False, days=100).text, ends.client)
    with listening(ends, inside=far.inside, address=far.address, TAPEROOM_CLIENT_TAR=str(tar)) as listener:
        configure(site, f'address = "{far.address}"\nport = {listener.port}\n')
        yield
        wait_for(lambda: not listener.family(), lambda: str(listener.lines))


@contextmanager
def by_ssh(site: SmallSite, far: Network, tar: Path) -> Iterator[None]:
    """A real sshd there; what it started is gone at the end."""
    here = site.root / "sshd"
    here.mkdir()
    remote = ("env", f"PYTHONPATH={ROOT}", f"TAPEROOM_CLIENT_STATE={here}/state", f"TAPEROOM_CLIENT_TAR={tar}", sys.executable,
              "-P", "-m", "clientd.amandad", "-auth=ssh")
    with sshd(here, remote, inside=far.inside, address=far.address) as host:
        configure(site, host_table(host))
        yield
        daemon = int((here / "pid").read_text())
        wait_for(lambda: not [pid for pid in descendants(daemon) if b"clientd" in cmdline(pid)])


def host_table(host: Host) -> str:
    words = ", ".join(f'"{word}"' for word in host.ssh_options)
    remote = ", ".join(f'"{word}"' for word in host.amandad)
    return (f'address = "{host.address}"\nport = {host.port}\nuser = "{host.user}"\nssh_key = "{host.ssh_key}"\n'
            f"ssh_options = [{words}]\namandad = [{remote}]\n")


def configure(site: SmallSite, lines: str) -> None:
    text = site.config.read_text()
    assert text.count("[host.far]\n") == 1
    site.config.write_text(text.replace("[host.far]\n", f"[host.far]\n{lines}"))


def cmdline(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


WAYS = [pytest.param("tls", by_tls), pytest.param("ssh", by_ssh, marks=NEEDS_SSHD)]


@pytest.mark.slow
@pytest.mark.parametrize(("auth", "reached"), WAYS)
def test_a_cable_that_is_pulled_in_mid_dump_and_put_back(tmp_path: Path, auth: str, reached: object) -> None:
    assert callable(reached)
    site = SmallSite(tmp_path / "site", TREES, hosts={"far": PATIENCE}, disks={"far:/home": {"auth": auth}},
                     dumptype={"retry": 9})
    with network() as far, reached(site, far, tar_that_never_ends(site.root)):
        night = site.start("amdump", "--quiet")
        wait_for(lambda: (site.root / "begun").exists() and live_run(site.root / "state"), site.logs)
        far.cut()
        wait_for(lambda: site.view().try_agains, site.logs)
        told = [text for _, host, _, text in site.view().setbacks if host == "far"]
        assert told and "DMP017" in told[0] and "came from the client for 2 s" in told[0], told
        assert site.view().disks["near", str(site.data("near:/etc"))].state is not DiskState.FAILED
        far.mend()
        assert night.wait(120) == 0, site.logs()
    assert {disk.state for disk in site.view().disks.values()} == {DiskState.DONE}


@pytest.mark.slow
@pytest.mark.parametrize(("auth", "reached"), WAYS)
def test_a_client_whose_network_is_gone_all_night_costs_its_own_disk_only(tmp_path: Path, auth: str, reached: object) -> None:
    assert callable(reached)
    site = SmallSite(tmp_path / "site", TREES, hosts={"far": PATIENCE}, disks={"far:/home": {"auth": auth}},
                     dumptype={"retry": 2})
    with network() as far, reached(site, far, tar_that_never_ends(site.root)):
        far.cut()
        done = site.amdump(timeout=120)
        assert done.returncode == 1, done.stdout + site.logs()
        states = {host: disk.state for (host, _), disk in site.view().disks.items()}
        assert states == {"far": DiskState.FAILED, "near": DiskState.DONE}
        assert "far" in done.stdout.partition("\nDISKS")[0].partition("FAILED (1)")[2], done.stdout
        far.mend()
