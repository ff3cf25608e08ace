"""What cannot be carried over from Amanda, one line each with its reason.

The tables name every keyword that has no counterpart; a keyword that is neither there nor carried over is listed all the same,
by `unknown`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.amanda.conf import Block, Setting


@dataclass(frozen=True, slots=True)
class Loss:
    """One thing that is not carried over, or not as it was; ``where`` is file and line, empty where there is none."""

    what: str
    why: str
    where: str = ""

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        return f"{self.what}{place}: {self.why}"


_MAIL = "Taperoom sends no mail; cron mails what 'taperoom run --batch' says"
_TUNING = "Taperoom needs no such setting"
_NOT_AMRECOVER = "it is for amrecover; files are restored with 'taperoom restore'"
_DEBUG = "it is for Amanda's debug files; Taperoom keeps the lines of all pipes of a run"
_SCREEN = "it is for Amanda's report; 'taperoom report' has a form of its own"
_PORTS = "the ports of a connection are the system's choice"
_WHEN_FULL = "what waits is flushed as soon as a volume is there"
_TLS = "certificates are those of Taperoom's own transports"
_VAULT = "Taperoom makes no second copies by itself"
_SCAN = "volumes are always chosen as by Amanda's traditional scan"
_RESTRICTED = "who may restore is who may read the state directory"

GLOBAL: Mapping[str, str] = {
    "mailto": _MAIL, "mailer": _MAIL, "send-amreport-on": _MAIL, "printer": _SCREEN, "columnspec": _SCREEN,
    "displayunit": _SCREEN, "report-format": _SCREEN, "report-use-media": _SCREEN, "report-next-media": _SCREEN,
    "amrecover-changer": _NOT_AMRECOVER, "amrecover-do-fsf": _NOT_AMRECOVER, "amrecover-check-label": _NOT_AMRECOVER,
    "device-output-buffer-size": _TUNING, "tmpdir": _TUNING, "connect-tries": _TUNING, "req-tries": _TUNING,
    "rep-tries": _TUNING, "sort-index": _TUNING, "compress-index": _TUNING, "max-dle-by-volume": _TUNING,
    "reserved-udp-port": _PORTS, "reserved-tcp-port": _PORTS, "unreserved-tcp-port": _PORTS,
    "flush-threshold-dumped": _WHEN_FULL, "flush-threshold-scheduled": _WHEN_FULL, "taperflush": _WHEN_FULL,
    "taper-parallel-write": "one volume of a storage is written at a time",
    "taperscan": _SCAN, "interactivity": "'taperoom requests' and the console ask for volumes",
    "eject-volume": "volumes are never ejected by themselves",
    "maxdumpsize": "a run may always fill runtapes volumes",
    "vault-storage": _VAULT,
    "recovery-limit": _RESTRICTED, "dump-limit": "a client cannot ask for its dump",
    "krb5keytab": "there is no Kerberos transport", "krb5principal": "there is no Kerberos transport",
    "rest-api-port": "there is no REST server", "rest-ssl-cert": "there is no REST server",
    "rest-ssl-key": "there is no REST server",
    "property": "properties are for programs of Amanda's", "device-property": "it is for a device of Amanda's",
    "meta-autolabel": "volumes have no meta labels", "label-new-tapes": "write it as autolabel, which is carried over",
    "changerdev": "the changer's scripts of Amanda 2 are not run", "changerfile": "Taperoom keeps no state of a changer",
    "rawtapedev": "there are no tape drives in this version", "tapepool": "a storage has a pool of its own name",
}
DUMPTYPE: Mapping[str, str] = {
    "script": "no scripts are run; do what they do by cron, or in a snapshot that the disk's device names",
    "property": "properties of dumptypes are for applications of Amanda's",
    "fallback-splitsize": "parts are cut without a buffer", "split-diskbuffer": "parts are cut without a buffer",
    "tape-splitsize": "part_size of the storage says where dumps are cut",
    "recovery-limit": _RESTRICTED, "dump-limit": "a client cannot ask for its dump",
    "data-path": "data always go through the server",
    "kencrypt": "there is no Kerberos transport",
}
STORAGE: Mapping[str, str] = {
    **{key: GLOBAL[key] for key in (
        "device-output-buffer-size", "flush-threshold-dumped", "flush-threshold-scheduled", "taperflush", "eject-volume",
        "taper-parallel-write", "max-dle-by-volume", "taperscan", "interactivity", "meta-autolabel", "report-use-media",
        "report-next-media")},
    "vault": _VAULT, "set-no-reuse": "volumes are marked by hand, with 'taperoom tape retire'",
    "erase-volume": "volumes are erased by hand, with 'taperoom tape erase'",
    "erase-on-failure": "a volume that failed is left as it is", "erase-on-full": "a full volume is left as it is",
    "taperalgo": "taperalgo is one for all storages", "autoflush": "autoflush is one for all storages",
}
TAPETYPE: Mapping[str, str] = {
    "lbl-templ": "no labels are printed", "filemark": "a volume in a directory has no filemarks",
    "speed": "rates are measured", "blocksize": "blocks of volumes in a directory have 32 KiB",
    "readblocksize": "blocks of volumes in a directory have 32 KiB", "part-cache-type": "parts need no cache",
    "part-cache-dir": "parts need no cache", "part-cache-max-size": "parts need no cache", "file-pad": "files are never padded",
}
_SILENT = frozenset({"comment"})


def lost(block: Block, reasons: Mapping[str, str], title: str = "") -> list[Loss]:
    """A loss for every setting of ``block`` that the table names, where it was set by a file."""
    found = []
    for key, settings in block.settings.items():
        if not settings[-1].file or _nothing(settings[-1]):
            continue
        if (why := _reason(key, reasons)) is not None:
            found.append(Loss(f"{title} {key}".strip(), why, where(settings[-1])))
    return found


def unknown(block: Block, reasons: Mapping[str, str], carried: Iterable[str], title: str = "") -> list[Loss]:
    """A loss for every setting of a file that neither is carried over nor has a reason of its own."""
    done = {*carried, *_SILENT}
    return [Loss(f"{title} {key}".strip(), "Taperoom has nothing like it", where(settings[-1]))
            for key, settings in block.settings.items()
            if key not in done and _reason(key, reasons) is None and settings[-1].file and not _nothing(settings[-1])]


def where(setting: Setting) -> str:
    """``FILE:LINE``."""
    return f"{setting.file}:{setting.line}"


def _reason(key: str, reasons: Mapping[str, str]) -> str | None:
    if key in reasons:
        return reasons[key]
    if key.startswith("debug-"):
        return _DEBUG
    return _TLS if key.startswith("ssl-") else None


def _nothing(setting: Setting) -> bool:
    """Whether it says what is so anyway: an empty text, or that something is not wanted."""
    return setting.value == "" or setting.value is False
