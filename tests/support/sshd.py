"""A real sshd on loopback with keys and configuration of its own."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.model.disk import Host
from tests.support.client import ROOT

SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/sbin")
MISSING = SSHD is None or shutil.which("ssh") is None
"""Whether there is none here."""
NEEDS_SSHD = [
    pytest.mark.interop,
    pytest.mark.skipif(MISSING, reason="NO sshd HERE: the ssh transport is NOT tested"),
]


def key(path: Path) -> Path:
    """A new pair of keys."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", path], check=True)
    return path


@contextmanager
def sshd(
    here: Path, remote: Sequence[str] = (), name: str = "localhost", *, forced: str | Path = "", inside: Sequence[str] = (),
    address: str = "127.0.0.1",
) -> Iterator[Host]:
    """A host whose sshd runs meanwhile; it knows one key, and ``remote`` is the command of its amandad: ours without one, with
    its state and access file in ``here``.  ``forced``: a program that sshd runs instead of whatever it is asked for.
    ``inside``: what stands before sshd's command (`tests.support.network`)."""
    ours = ("env", f"PYTHONPATH={ROOT}", f"TAPEROOM_CLIENT_STATE={here}/state", f"TAPEROOM_CLIENT_ACCESS={here}/access.toml",
            sys.executable, "-P", "-m", "clientd.amandad", "-auth=ssh")
    here.chmod(0o700)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd insists on it
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shutil.copy(key(here / "id").with_suffix(".pub"), here / "authorized_keys")
    key(here / "host_key")
    (here / "config").write_text(
        f"Port {port}\nListenAddress {address}\nHostKey {here}/host_key\nAuthorizedKeysFile {here}/authorized_keys\n"
        f"PidFile {here}/pid\nUsePAM no\nStrictModes no\nPasswordAuthentication no\nPermitRootLogin yes\n"
        + (f"ForceCommand {forced}\n" if forced else "")
    )
    public = (here / "host_key.pub").read_text()
    (here / "known_hosts").write_text(f"[{address}]:{port} {public}")
    assert SSHD is not None
    process = subprocess.Popen([*inside, SSHD, "-D", "-e", "-f", here / "config"], stderr=subprocess.PIPE)
    assert process.stderr is not None
    try:
        while b"Server listening" not in (line := process.stderr.readline()):
            assert line, "sshd does not start"
        options = ("UserKnownHostsFile=" + str(here / "known_hosts"), "GlobalKnownHostsFile=/dev/null",
                   "StrictHostKeyChecking=yes", "IdentitiesOnly=yes")
        yield Host(name, address, port, getpass.getuser(), str(here / "id"),
                   ("-F", "/dev/null", *(word for option in options for word in ("-o", option))), tuple(remote) or ours)
    finally:
        process.terminate()
        process.wait()
        process.stderr.close()
