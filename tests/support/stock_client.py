"""Each way to reach a stock Amanda 3.5.1 client on this machine: ``local``, ``ssh`` through an sshd of the test's, ``bsdtcp``
through a listener like inetd."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest

from core.model.disk import Disk, Host
from core.wire.transports import Connection, connect
from tests.support import amanda
from tests.support.client import a_disk
from tests.support.inetd import Inetd
from tests.support.sshd import MISSING, sshd

WAYS = (pytest.param("local", marks=pytest.mark.slow), pytest.param("ssh", marks=pytest.mark.slow), "bsdtcp")
"""For a parameter: the one that passes by the most of our code and theirs is part of the quick suite."""
APPLICATIONS = Path("/usr/lib/amanda/application")


@dataclass(frozen=True, slots=True)
class Client:
    """A stock client: how it is reached.  ``inetd``: who listens for it, with bsdtcp."""

    auth: str
    host: Host
    inetd: Inetd | None = None

    def connect(self) -> Connection:
        """A new connection to its amandad."""
        return connect(self.host, self.auth)

    def disk(self, device: Path | str, name: str = "", **dumptype: object) -> Disk:
        """A disk of it, of that name if it has one."""
        made = a_disk(self.host, device, **{"auth": self.auth, **dumptype})
        return replace(made, disk=name, device=str(device)) if name else made

    @property
    def table(self) -> dict[str, object]:
        """Its ``[host.…]`` in a configuration."""
        host = self.host
        said: Mapping[str, object] = {
            "address": host.address, "port": host.port, "user": host.user, "ssh_key": host.ssh_key,
            "ssh_options": list(host.ssh_options), "amandad": list(host.amandad)}
        return {key: value for key, value in said.items() if value}


@contextmanager
def stock_client(auth: str, here: Path, name: str = "localhost", applications: Path | None = None) -> Iterator[Client]:
    """A stock client; with ``applications``, those are what its application directory holds, for it alone."""
    amanda.need(f"our server with a stock client by {auth}")
    command = ["runuser", "-u", amanda.USER, "--", str(amanda.AMANDAD), f"-auth={auth}"]
    if applications is not None:
        command = in_private({applications: APPLICATIONS}, *command)
    match auth:
        case "local":
            yield Client(auth, Host(name, amandad=tuple(command)))
        case "ssh":
            if MISSING:
                pytest.skip("NOT TESTED: a stock client by ssh: there is no sshd")
            place = here / f"sshd-{name}"
            place.mkdir()
            with sshd(place, command, name) as host:
                yield Client(auth, host)
        case "bsdtcp":
            # What its .amandahosts says after installation: localhost, and the user of that name.
            with Inetd(*command, amanda.SERVICES) as inetd:
                yield Client(auth, Host(name, "127.0.0.1", inetd.port, amanda.USER), inetd)


@cache
def private_is_possible() -> bool:
    """Whether a process may have mounts of its own here."""
    return shutil.which("unshare") is not None and not subprocess.run(
        in_private({}, "true"), capture_output=True, check=False).returncode


def need_private(what: str) -> None:
    """Skip, loudly, where a test cannot have mounts of its own; ``what`` is then not tested."""
    if not private_is_possible():
        pytest.skip(f"NOT TESTED: {what}: mounts of its own (unshare --mount) are not possible here")


def in_private(places: Mapping[Path, Path], *command: str | Path) -> list[str]:
    """``command`` in mounts of its own: each directory of ``places`` stands where its value is, for that command alone."""
    binds = "".join(f"mount --bind {shlex.quote(str(ours))} {shlex.quote(str(theirs))} && "
                    for ours, theirs in places.items())
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", f'{binds}exec "$@"', "sh",
            *(str(word) for word in command)]
