"""A host with sshd and a Python, and nothing of ours: what runs there has an empty environment and a PATH of two names."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from core.model.disk import Host
from tests.support.sshd import sshd

FORCED = """#!/bin/sh
exec $(cat '{here}/before') env -i PATH='{here}/bin' HOME='{here}/home' TAPEROOM_CLIENT_ACCESS='{here}/access.toml' \
$(cat '{here}/environment') sh -c "$SSH_ORIGINAL_COMMAND"
"""


@dataclass(frozen=True, slots=True)
class Bare:
    """The host.  `home` is all that its user has."""

    here: Path
    host: Host

    @property
    def home(self) -> Path:
        """The login's home."""
        return self.here / "home"

    @property
    def cache(self) -> Path:
        """Where a copy of the client is kept."""
        return self.home / "cache"

    def once(self) -> Host:
        """The host, with nothing to stay there."""
        return replace(self.host, push="once")

    def table(self, push: bool | str = True) -> dict[str, object]:
        """Its ``[host.…]``."""
        host = self.host
        return {"address": host.address, "port": host.port, "user": host.user, "ssh_key": host.ssh_key,
                "ssh_options": list(host.ssh_options), "push": push}

    def copies(self) -> list[str]:
        """The names in `cache`."""
        return sorted(os.listdir(self.cache)) if self.cache.is_dir() else []

    def left(self) -> list[str]:
        """Everything below `home`."""
        return sorted(str(path.relative_to(self.home)) for path in self.home.rglob("*"))

    def reset(self) -> None:
        """As it was at first: an empty home, a good Python, state and copies in the home."""
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir()
        (self.here / "before").write_text("")
        (self.here / "access.toml").unlink(missing_ok=True)
        self.say(TAPEROOM_CLIENT_CACHE=self.cache, TAPEROOM_CLIENT_STATE=self.home / "state")
        self.python(f"exec {a_python()} \"$@\"")

    def say(self, **environment: str | Path) -> None:
        """What else stands in the environment of a login."""
        (self.here / "environment").write_text(" ".join(f"{key}={value}" for key, value in environment.items()))

    def before(self, script: str) -> None:
        """A shell script that runs every command from now on; it is in ``"$@"``."""
        self._script(self.here / "between", script)
        (self.here / "before").write_text(str(self.here / "between"))

    def python(self, script: str) -> None:
        """What the host's python3 is; empty: it has none."""
        place = self.here / "bin/python3"
        place.unlink(missing_ok=True)
        if script:
            self._script(place, script)

    def _script(self, place: Path, script: str) -> None:
        place.write_text(f"#!/bin/sh\n{script}\n")
        place.chmod(0o755)


def a_python() -> str:
    """A Python without any package of ours, new enough."""
    for path in ("/usr/bin/python3", getattr(sys, "_base_executable", "")):
        test = "import sys; sys.exit(sys.version_info < (3, 11))"
        if os.access(path, os.X_OK) and not subprocess.run([path, "-I", "-c", test], check=False).returncode:
            return path
    pytest.skip("NOT TESTED: a client that is brought by ssh: there is no Python outside of the virtual environment")


@contextmanager
def bare_host(here: Path, name: str = "localhost") -> Iterator[Bare]:
    """A host that lives meanwhile."""
    (here / "bin").mkdir()
    (here / "bin/sh").symlink_to("/bin/sh")
    forced = here / "forced"
    forced.write_text(FORCED.format(here=here))
    forced.chmod(0o755)
    with sshd(here, name=name, forced=forced) as host:
        made = Bare(here, replace(host, amandad=(), push="keep"))
        made.reset()
        yield made
