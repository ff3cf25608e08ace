"""``push`` of a host: its values, and what it cannot go with."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.config.load import load_text
from core.errors import UsageError
from core.model.disk import Strategy
from core.model.site import Site

FILE = Path("/etc/taperoom/taperoom.toml")


def site(host: str, disk: str = "") -> Site:
    return load_text(f'[storage.main]\nchanger = "disk:/v"\n[host.web1]\n{host}\n'
                     f'[[disk]]\nhost = "web1"\ndisk = "/home"\n{disk}\n', FILE)


def faults(host: str, disk: str = "") -> str:
    with pytest.raises(UsageError) as caught:
        site(host, disk)
    return caught.value.message


@pytest.mark.parametrize(("said", "push", "strategy"), [
    ("", "", Strategy.STANDARD), ("push = false", "", Strategy.STANDARD), ("push = true", "keep", Strategy.STANDARD),
    ('push = "once"', "once", Strategy.NOINC)])
def test_ways(said: str, push: str, strategy: Strategy) -> None:
    found = site(said)
    assert (found.hosts["web1"].push, found.disks[0].dumptype.strategy) == (push, strategy)


def test_a_disk_that_is_left_out_stays_so() -> None:
    assert site('push = "once"', 'strategy = "skip"').disks[0].dumptype.strategy is Strategy.SKIP


@pytest.mark.parametrize("said", ['push = "always"', "push = 1", "push = []"])
def test_other_values(said: str) -> None:
    assert 'host.web1.push: is no way to bring the client there; wanted is true, false or "once"' in faults(said)


def test_what_it_cannot_go_with() -> None:
    assert "amandad names one that is there already" in faults('push = true\namandad = "taperoom-clientd"')
    assert "is reached by auth = 'local', but push of host web1 goes by ssh" in faults("push = true", 'auth = "local"')
    assert "leaves nothing there that an incremental could go on from" in faults('push = "once"', 'strategy = "nofull"')
