"""Restoring to a client over TCP: by TLS to its listener, and by bsdtcp to what inetd starts, also after an interruption."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.landing.room import ROOM
from core.model.site import tls_dir_of
from core.trust.authority import authority_of
from tests.process.test_restore_away import ACCESS, run, started
from tests.process.test_restore_resume import stuck_at
from tests.support.client import ROOT
from tests.support.dumps import manifest
from tests.support.inetd import Inetd
from tests.support.small_site import SmallSite
from tests.support.tls import Ends, listening

pytestmark = pytest.mark.slow
MIB = 1 << 20
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: only root has ports below 1024: bsdtcp")


class Far:
    """A site whose client is reached over a network, and the client's own directory."""

    def __init__(self, house: SmallSite, here: Path) -> None:
        self.house, self.here = house, here

    def permit(self, back: Path) -> Path:
        """A directory that the client permits."""
        (self.here / "access.toml").write_text(ACCESS.format(back))
        return back


def a_house(root: Path, auth: str, host: Mapping[str, object]) -> SmallSite:
    """One full over two volumes."""
    tree = {f"d{n % 3}/f{n:02d}": os.urandom(MIB // 2) for n in range(24)} | {"a/first": b"f" * 5000}
    made = SmallSite(root, {"alpha:/home": tree}, dumptype={"auth": auth}, hosts={"alpha": host},
                     storage={"capacity": "8 MiB", "part_size": "512 KiB"})
    top = made.data("alpha:/home")
    (top / "z").mkdir(mode=0o750)
    os.link(top / "a/first", top / "z/second")
    ran = made.amdump()
    assert ran.returncode == 0, ran.stdout + ran.stderr + made.logs()
    return made


@contextmanager
def by_tls(root: Path) -> Iterator[Far]:
    house = root / "house"
    ends = Ends(tls_dir_of(house / "state"), root / "client-tls", "alpha")
    authority_of(ends.server, "test", time.time())
    ends.enrol()
    with listening(ends) as listener:
        yield Far(a_house(house, "tls", {"address": "127.0.0.1", "port": listener.port}), root)


@contextmanager
def by_bsdtcp(root: Path) -> Iterator[Far]:
    hosts = root / "amandahosts"
    hosts.write_text("localhost backup amdump restore\n")
    hosts.chmod(0o600)
    environment = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "TAPEROOM_CLIENT_STATE": f"{root}/state",
                   "TAPEROOM_CLIENT_ACCESS": f"{root}/access.toml", "TAPEROOM_CLIENT_AMANDAHOSTS": str(hosts)}
    command = (sys.executable, "-P", "-m", "clientd.amandad", "-auth=bsdtcp", "amdump")
    with Inetd(*command, environment=environment) as inetd:
        yield Far(a_house(root / "house", "bsdtcp", {"address": "127.0.0.1", "port": inetd.port, "user": "backup"}), root)


@pytest.fixture(scope="module", params=["tls", pytest.param("bsdtcp", marks=needs_root)])
def far(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Far]:
    way: Callable[[Path], object] = {"tls": by_tls, "bsdtcp": by_bsdtcp}[request.param]
    with way(tmp_path_factory.mktemp(request.param)) as made:  # type: ignore[attr-defined]
        yield made


def test_all_of_a_disk_and_one_name(far: Far, tmp_path: Path) -> None:
    back = far.permit(tmp_path / "back")
    code, out, err = run(far.house, f"alpha:{back}")
    assert (code, err) == (0, ""), err
    assert f"in alpha:{back}\n" in out and "checked by the checksum of the whole dump" in " ".join(out.split())
    assert manifest(back) == manifest(far.house.data("alpha:/home"))
    assert (back / "a/first").stat().st_ino == (back / "z/second").stat().st_ino and ROOM not in os.listdir(back)
    (back / "a/first").write_bytes(b"mine")
    code, _, err = run(far.house, f"alpha:{back}", spec=":a/first")
    assert code == 2 and err.startswith(f"RST031 alpha: {back} has 1 of the names already: /a/first")
    code, _, err = run(far.house, f"alpha:{back}", "--overwrite", spec=":a/first")
    assert (code, err) == (0, "") and (back / "a/first").read_bytes() == b"f" * 5000


def test_what_is_not_permitted_is_not_done(far: Far, tmp_path: Path) -> None:
    far.permit(tmp_path / "elsewhere")
    code, _, err = run(far.house, f"alpha:{tmp_path / 'back'}", spec=":a")
    assert (code == 2 and err.startswith("RST036 alpha: ")) or "access file does not permit this target" in err, err
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_same_command_goes_on_after_an_interruption(far: Far, tmp_path: Path, how: signal.Signals) -> None:
    back = far.permit(tmp_path / "back")
    with stuck_at(far.house, 2) as pipe:
        process = started(far.house, f"alpha:{back}")
        hand = os.open(pipe, os.O_WRONLY)
        process.send_signal(how)
        os.close(hand)
        process.communicate(timeout=60)
    code, out, err = run(far.house, f"alpha:{back}", "--json")
    assert code == 0 and json.loads(out)["whole"] >= 5, err
    assert manifest(back) == manifest(far.house.data("alpha:/home"))
