"""A client's network of its own: a network namespace with one link to this machine, which a test can cut and mend.

A link that is cut loses every packet and tells nobody, as a pulled cable does: no end hears of it, both only fall silent.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest


@dataclass(frozen=True, slots=True)
class Network:
    """``inside``: what to put before a command that shall run there; ``address``: what it is reached by from here."""

    name: str
    address: str

    @property
    def inside(self) -> tuple[str, ...]:
        """``ip netns exec NAME``."""
        return ("ip", "netns", "exec", self.name)

    def cut(self) -> None:
        """Pull the cable."""
        _ip("-n", self.name, "link", "set", f"{self.name}b", "down")

    def mend(self) -> None:
        """Put it back."""
        _ip("-n", self.name, "link", "set", f"{self.name}b", "up")


@contextmanager
def network(number: int = 1) -> Iterator[Network]:
    """One for the time of a test, which is skipped where none can be made; ``number``: from 1 to 60, of several at once."""
    pid = os.getpid()
    net = f"10.{200 + pid % 50}.{pid // 50 % 250}"
    made, here = Network(f"tr{pid % 10**7}x{number}", f"{net}.{4 * number + 2}"), f"{net}.{4 * number + 1}"
    if os.geteuid() or shutil.which("ip") is None or _tried("netns", "add", made.name):
        pytest.skip("NOT TESTED: a network that fails needs root, ip(8) of iproute2 and network namespaces")
    try:
        if why := _tried("link", "add", f"{made.name}a", "type", "veth", "peer", "name", f"{made.name}b", "netns", made.name):
            pytest.skip(f"NOT TESTED: a network that fails: no link between network namespaces can be made here: {why}")
        _ip("addr", "add", f"{here}/30", "dev", f"{made.name}a")
        _ip("link", "set", f"{made.name}a", "up")
        _ip("-n", made.name, "addr", "add", f"{made.address}/30", "dev", f"{made.name}b")
        _ip("-n", made.name, "link", "set", "lo", "up")
        made.mend()
        yield made
    finally:
        _ip("netns", "del", made.name)


def _tried(*words: str) -> str:
    """Why that cannot be done; empty when it was."""
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    return (done.stderr.strip() or f"status {done.returncode}") if done.returncode else ""


def _ip(*words: str) -> None:
    why = _tried(*words)
    assert not why, f"ip {' '.join(words)}: {why}"
