"""The services of amandad: a new one is a module and a line here."""

from __future__ import annotations

from clientd.services.contract import Service
from clientd.services.noop import noop
from clientd.services.restore import restore
from clientd.services.selfcheck import selfcheck
from clientd.services.sendbackup import sendbackup
from clientd.services.sendsize import sendsize

SERVICES: dict[str, Service] = {
    "noop": noop, "selfcheck": selfcheck, "sendsize": sendsize, "sendbackup": sendbackup,
    "restore": restore,
}
FED = frozenset({"restore"})
"""Those that are given what the server sends on DATA."""
