"""The services of amandad: a new one is a module and a line here."""

from __future__ import annotations

from clientd.services.contract import Context, Service
from clientd.services.noop import noop
from clientd.services.selfcheck import selfcheck
from clientd.services.sendbackup import sendbackup
from clientd.services.sendsize import sendsize
from core.wire.requests import Request


def restore(request: Request, context: Context) -> int:
    """The service restore, loaded when it is wanted: on most clients nobody ever asks for it."""
    from clientd.services import restore as service

    return service.restore(request, context)


SERVICES: dict[str, Service] = {
    "noop": noop, "selfcheck": selfcheck, "sendsize": sendsize, "sendbackup": sendbackup,
    "restore": restore,
}
FED = frozenset({"restore"})
"""Those that are given what the server sends on DATA."""
