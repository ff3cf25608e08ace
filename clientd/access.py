"""Which services, disks and programs the server may ask for.

Whoever can start amandad (by ssh key or as a local user) may ask for everything that the access file permits; without
a file for all standard services, all disks and no foreign program.  Promises that a file that cannot be read permits
nothing.  The file is TOML: ``services``, ``disks`` (shell patterns), ``filters`` (absolute paths of programs).
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from core.errors import WorldError

SERVICES = ("noop", "selfcheck", "sendsize", "sendbackup")
_KEYS = frozenset({"services", "disks", "filters"})


@dataclass(frozen=True, slots=True)
class Access:
    """What is permitted."""

    services: tuple[str, ...] = SERVICES
    disks: tuple[str, ...] = ("*",)
    filters: tuple[str, ...] = ()

    def service(self, name: str) -> bool:
        """Whether the server may run the service; noop tells nothing, so it always may."""
        return name == "noop" or name in self.services

    def check_disk(self, device: str) -> None:
        """WorldError CLT026 when ``device`` may not be dumped."""
        if not any(fnmatchcase(device, pattern) for pattern in self.disks):
            raise WorldError("CLT026", f"{device}: the client's access file does not permit this disk")

    def check_filter(self, program: str) -> None:
        """WorldError CLT026 when ``program`` may not be run as a compressor."""
        if program not in self.filters:
            raise WorldError("CLT026", f"{program}: the client's access file does not permit this compression program")


def read_access(file: Path) -> Access:
    """The access file, or what holds without one.  WorldError CLT026 when it is broken."""
    try:
        text = file.read_text("utf-8")
    except FileNotFoundError:
        return Access()
    except (OSError, UnicodeDecodeError) as fault:
        raise WorldError("CLT026", f"the access file {file} cannot be read: {fault}") from None
    import tomllib  # only here: most clients have no access file

    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise WorldError("CLT026", f"the access file {file} is broken: {fault}") from None
    for key, value in found.items():
        if key not in _KEYS or not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise WorldError("CLT026", f"the access file {file} is broken: {key!r} is not a known list of strings")
    return Access(
        tuple(found.get("services", SERVICES)), tuple(found.get("disks", ("*",))), tuple(found.get("filters", ())),
    )
