"""Disks that the configuration no longer has: one that was renamed keeps its old dumps under its old name."""

from __future__ import annotations

from core.catalogue.queries import dumps, known_disks
from core.catalogue.store import Catalogue
from core.errors import UsageError
from core.model.site import Site
from core.restore.asof import split_level
from core.restore.spec import Spec

_SHOWN = 5


def with_former(site: Site, catalogue: Catalogue, spec: Spec, as_of: str, fault: UsageError) -> UsageError:
    """``fault`` (there is no dump of that disk so old), with the host's former disks that have one in its hint."""
    former = [disk for host, disk in known_disks(catalogue)
              if host == spec.host and site.disk(host, disk) is None and disk != spec.disk
              and any(dump.datestamp <= split_level(as_of)[0] and dump.held for dump in dumps(catalogue, host, disk))]
    if not former:
        return fault
    names = ", ".join(f"{spec.host}:{disk}" for disk in former[:_SHOWN])
    hint = f"was it renamed? The catalogue also has {names}, which the configuration no longer has"
    return UsageError(fault.code, fault.message, f"{fault.hint}; {hint}" if fault.hint else hint)
