"""Which servers may ask for which services, disks and programs.

Whoever can start amandad (by ssh key or as a local user) may ask for everything that the access file permits; without
a file for all standard services, all disks and no foreign program.  Promises that a file that cannot be read permits
nothing, and that a disk is judged by where it really is: neither ``..`` nor a symbolic link leads out of what is
permitted.  Files are put onto this machine only for a file that has ``restore`` among its ``services`` and names ``targets``.
The file is TOML, each key a list of strings: ``servers`` (addresses and networks that a connection may come
from, ``local`` for none), ``services``, ``disks`` and ``lists`` (shell patterns, ``*`` also matches ``/``; lists are files
of exclude and include patterns outside of their disk), ``programs`` (patterns of dump programs of ours), ``filters`` (absolute
paths of compression programs), ``targets`` (patterns of directories that may be restored to), ``applications`` (patterns of
programs with Amanda's Application API; what a server may have them do is up to them, which can be anything), ``attributes``
(what dumps by GNU tar have of each file besides: ``xattrs``, ``acls``, ``selinux``; this one permits nothing).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from core.errors import WorldError
from core.wire.dle_xml import Dle
from core.wire.words import clean

SERVICES = ("noop", "selfcheck", "sendsize", "sendbackup")
LOCAL = "local"
"""The name of a server that came by no network."""
_KEYS = frozenset({"servers", "services", "disks", "lists", "programs", "filters", "targets", "applications",
                   "attributes"})
ATTRIBUTES = ("xattrs", "acls", "selinux")
"""What GNU tar can keep of a file besides what every archive has."""
_ALL = ("*",)
_SHOWN = 200  # characters of a name in a message


@dataclass(frozen=True, slots=True)
class Access:
    """What is permitted."""

    services: tuple[str, ...] = SERVICES
    disks: tuple[str, ...] = _ALL
    filters: tuple[str, ...] = ()
    programs: tuple[str, ...] = _ALL
    servers: tuple[str, ...] = _ALL
    lists: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    applications: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()

    def service(self, name: str) -> bool:
        """Whether the server may run the service; noop tells nothing, so it always may."""
        return name == "noop" or name in self.services

    def server(self, name: str) -> bool:
        """Whether a server at that address, or `LOCAL`, may ask for anything at all."""
        return "*" in self.servers or name in self.servers or any(_within(name, network) for network in self.servers)

    def check(self, dle: Dle) -> None:
        """WorldError CLT026 unless everything that a request names may be used: before anything is started."""
        self.check_disk(dle.device)
        if dle.application and not _matches(dle.program, self.applications):
            raise _refusal(dle.program, "application")
        if not dle.application and not _matches(dle.program, self.programs):
            raise _refusal(dle.program, "dump program")
        if dle.compress == "CUSTOM":
            self.check_filter(dle.compress_program)
        if not self._all_disks:
            for name in (*dle.exclude.lists, *dle.include.lists):
                self._check_list(dle.device, name)

    def check_disk(self, device: str) -> None:
        """WorldError CLT026 when ``device`` may not be dumped."""
        if self._all_disks:
            return
        # The name as it stands must be permitted, and so must the place that links and .. lead to.
        if ".." in device.split("/") or not _matches(device, self.disks):
            raise _refusal(device, "disk")
        self.check_place(os.path.realpath(device), device)

    def check_place(self, place: str, device: str) -> None:
        """WorldError CLT026 when the directory that ``device`` turned out to be may not be dumped."""
        if not self._all_disks and not _matches(place, self.disks):
            raise WorldError("CLT026", f"{clean(device, _SHOWN)} is {clean(place, _SHOWN)}, which the client's access file "
                             "does not permit")

    def check_names(self, device: str, names: Iterable[str]) -> None:
        """WorldError CLT026 when one of the included ``names`` leads by a link to a directory that may not be dumped."""
        if self._all_disks:
            return
        top = os.path.realpath(device)
        for parent in {os.path.dirname(name) for name in names}:
            place = os.path.realpath(os.path.join(device, parent))
            if place != top and not place.startswith(top.rstrip("/") + "/"):
                self.check_place(place, os.path.normpath(os.path.join(device, parent)))

    def target(self, directory: str) -> str:
        """Where ``directory`` really is.  WorldError CLT026 when nothing may be restored there."""
        # The name as it stands must be permitted, and so must the place that links lead to.
        place = os.path.realpath(directory)
        if (not directory.startswith("/") or ".." in directory.split("/") or not _matches(directory, self.targets)
                or not _matches(place, self.targets)):
            raise _refusal(directory, "target")
        return place

    def check_filter(self, program: str) -> None:
        """WorldError CLT026 when ``program`` may not be run as a compressor."""
        if program not in self.filters:
            raise _refusal(program, "compression program")

    @property
    def _all_disks(self) -> bool:
        return "*" in self.disks

    def _check_list(self, device: str, name: str) -> None:
        file = os.path.realpath(os.path.join(device, name))
        if not file.startswith(os.path.realpath(device).rstrip("/") + "/") and not _matches(file, self.lists):
            raise _refusal(name, "list")


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _refusal(name: str, kind: str) -> WorldError:
    return WorldError("CLT026", f"{clean(name, _SHOWN)}: the client's access file does not permit this {kind}")


def _within(name: str, network: str) -> bool:
    from ipaddress import ip_address, ip_network  # only here: most clients have no access file

    try:
        address = ip_address(name)
        mapped = getattr(address, "ipv4_mapped", None)
        return (mapped or address) in ip_network(network, strict=False)
    except ValueError:
        return False


def server_of(environment: Mapping[str, str]) -> str:
    """Where the server of this process is: the address that sshd tells, or `LOCAL`."""
    words = environment.get("SSH_CONNECTION", "").split()
    return words[0] if words else LOCAL


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
    except RecursionError:
        raise WorldError("CLT026", f"the access file {file} is broken: brackets are nested too deeply") from None
    except ValueError as fault:
        raise WorldError("CLT026", f"the access file {file} is broken: {fault}") from None
    for key, value in found.items():
        if key not in _KEYS or not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise WorldError("CLT026", f"the access file {file} is broken: {key!r} is not a known list of strings")
    _check_servers(file, found.get("servers", []))
    for name in found.get("attributes", ()):
        if name not in ATTRIBUTES:
            raise WorldError("CLT026", f"the access file {file} is broken: {clean(name, _SHOWN)!r} is none of the attributes "
                             f"{', '.join(ATTRIBUTES)}")
    return Access(
        tuple(found.get("services", SERVICES)), tuple(found.get("disks", _ALL)), tuple(found.get("filters", ())),
        tuple(found.get("programs", _ALL)), tuple(found.get("servers", _ALL)), tuple(found.get("lists", ())),
        tuple(found.get("targets", ())), tuple(found.get("applications", ())),
        tuple(found.get("attributes", ())),
    )


def _check_servers(file: Path, servers: list[str]) -> None:
    from ipaddress import ip_network

    for name in servers:
        try:
            if name not in ("*", LOCAL):
                ip_network(name, strict=False)
        except ValueError:
            raise WorldError("CLT026", f"the access file {file} is broken: {name!r} is no address, no network and not "
                             f"{LOCAL!r}") from None
