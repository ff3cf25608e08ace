"""The keywords of an amanda.conf with the kind of their values (Amanda 3.5.1, common-src/conffile.c; tried with amgetconf).

A kind is a word and what bounds it: ``text`` a string in quotes, ``text WORD …`` one of these in quotes, ``word`` a string or
a name, ``whole LOW HIGH`` a number,
``size`` KiB, ``bytes`` bytes, ``flag`` yes or no, ``real LOW`` a number with a point, ``one WORD …`` one of these words,
``shape NAME`` words in an order that `core.amanda.shapes` knows, ``more NAME`` the same, where each line adds to those before.
"""

from __future__ import annotations

from collections.abc import Mapping


def _table(rows: Mapping[str, str]) -> dict[str, str]:
    return {key: kind for kind, keys in rows.items() for key in keys.split()}


_ALGORITHMS = "one first firstfit largest largestfit smallest last"
_AUTOFLUSH = "switch yes no all true false on off y n t f 0 1 2"
GLOBAL: Mapping[str, str] = _table({
    "text": "org mailto mailer dumpuser printer tapedev changerdev changerfile tapelist diskfile infofile logdir indexdir "
            "command-file columnspec tmpdir amrecover-changer tpchanger dumporder krb5keytab krb5principal "
            "rest-ssl-cert rest-ssl-key ssl-dir ssl-fingerprint-file ssl-cert-file ssl-key-file ssl-ca-cert-file "
            "ssl-cipher-list label-new-tapes meta-autolabel interactivity taperscan",
    "word": "tapetype",
    "text k m g t": "displayunit", _ALGORITHMS: "taperalgo", "one all strange error never": "send-amreport-on",
    _AUTOFLUSH: "autoflush",
    "whole": "debug-days taper-parallel-write", "whole -1": "runspercycle",
    "whole 0": "dumpcycle runtapes bumpdays flush-threshold-dumped flush-threshold-scheduled taperflush",
    "whole 1": "tapecycle netusage maxdumps dtimeout ctimeout connect-tries rep-tries req-tries inparallel rest-api-port "
               "max-dle-by-volume",
    "whole not-0": "etimeout", "whole 0 100": "bumppercent reserve",
    "whole 0 9": "debug-amandad debug-recovery debug-amidxtaped debug-amindexd debug-amrecover debug-auth debug-event "
                 "debug-holding debug-protocol debug-planner debug-driver debug-dumper debug-chunker debug-taper "
                 "debug-selfcheck debug-sendsize debug-sendbackup",
    "size 1": "bumpsize", "size": "maxdumpsize", "bytes": "device-output-buffer-size", "real 1": "bumpmult",
    "flag": "eject-volume report-use-media report-next-media sort-index compress-index usetimestamps amrecover-do-fsf "
            "amrecover-check-label ssl-check-host ssl-check-certificate-host ssl-check-fingerprint",
    "shape labelstr": "labelstr", "shape autolabel": "autolabel", "shape names": "storage active-storage vault-storage",
    "shape texts": "report-format", "shape ports": "reserved-udp-port reserved-tcp-port unreserved-tcp-port",
    "shape limit": "recovery-limit dump-limit", "more names": "holdingdisk", "more property": "property device-property",
})
_PLUGIN = {"text": "comment plugin", "more property": "property"}
BLOCKS: Mapping[str, Mapping[str, str]] = {
    "dumptype": _table({
        "text": "comment client-custom-compress server-custom-compress client-encrypt server-encrypt client-decrypt-option "
                "server-decrypt-option amandad-path client-username ssh-keys ssl-fingerprint-file ssl-cert-file ssl-key-file "
                "ssl-ca-cert-file ssl-cipher-list split-diskbuffer auth application",
        "text DUMP GNUTAR STAR APPLICATION": "program", "one amanda directtcp": "data-path",
        "one skip standard nofull noinc hanoi incronly": "strategy",
        "switch never auto required yes no true false on off y n t f 0 1": "holdingdisk", "one low medium high": "priority",
        "whole": "starttime", "whole 0": "dumpcycle maxpromoteday max-warnings bumpdays", "whole 0 100": "bumppercent",
        "whole 1": "maxdumps retry-dump", "size 1": "bumpsize", "size 0": "tape-splitsize", "real 1": "bumpmult",
        "flag": "index record skip-full skip-incr kencrypt ignore allow-split ssl-check-host ssl-check-certificate-host "
                "ssl-check-fingerprint",
        "shape compress": "compress", "shape encrypt": "encrypt", "shape comprate": "comprate", "shape estimate": "estimate",
        "shape port": "client-port", "shape limit": "recovery-limit dump-limit", "more tag": "tag",
        "more patterns": "exclude include", "more property": "property", "more names": "script",
    }) | {"fallback-splitsize": "size"},
    "tapetype": _table({
        "text": "comment lbl-templ part-cache-dir", "one none disk memory": "part-cache-type",
        "size 32": "blocksize readblocksize", "size 0": "length part-size part-cache-max-size", "size": "filemark",
        "whole 0": "speed",
    }),
    "interface": _table({"text": "comment src-ip", "whole 1": "use"}),
    "application": _table({**_PLUGIN, "text": "comment plugin client-name"}),
    "script": _table({**_PLUGIN, "text": "comment plugin client-name", "one client server": "execute-where", "whole": "order",
                      "flag": "single-execution", "more events": "execute-on"}),
    "device": _table({"text": "comment tapedev", "more property": "device-property"}),
    "changer": _table({"text": "comment tapedev tpchanger changerdev changerfile",
                       "more property": "property device-property"}),
    "holdingdisk": _table({"text": "comment directory", "size": "use", "size chunk": "chunksize"}),
    "interactivity": _table(_PLUGIN),
    "taperscan": _table(_PLUGIN),
    "policy": _table({"text": "comment", "whole": "retention-tapes retention-days retention-recover retention-full"}),
    "storage": _table({
        "text": "comment meta-autolabel tpchanger tapedev policy taperscan tapetype interactivity",
        "text-without-blank": "tapepool",
        _ALGORITHMS: "taperalgo", _AUTOFLUSH: "autoflush", "bytes": "device-output-buffer-size",
        "whole": "runtapes flush-threshold-dumped flush-threshold-scheduled taperflush taper-parallel-write "
                 "max-dle-by-volume",
        "flag": "eject-volume erase-volume report-use-media report-next-media set-no-reuse erase-on-failure erase-on-full",
        "shape labelstr": "labelstr", "shape autolabel": "autolabel", "more selection": "dump-selection",
        "more vault": "vault",
    }),
}
ALIASES: Mapping[str, str] = {"application-tool": "application", "script-tool": "script"}
PREDEFINED: Mapping[str, tuple[str, ...]] = {
    "no-compress": ("compress none",), "compress-fast": ("compress client fast",),
    "compress-best": ("compress client best",), "compress-cust": ("compress client custom",),
    "srvcompress": ("compress server fast",), "bsd-auth": ('auth "bsd"',), "bsdtcp-auth": ('auth "bsdtcp"',),
    "no-record": ("record no",), "no-hold": ("holdingdisk never",), "no-full": ("strategy nofull",),
}
"""Dumptypes that are there without being defined."""
MERGED = ("property", "device-property", "script")
"""Keywords whose lines stay when a block takes over another one that has them, too."""
REFERENCES: Mapping[tuple[str, str], str] = {
    ("dumptype", "application"): "application", ("dumptype", "script"): "script", ("storage", "policy"): "policy",
    ("storage", "interactivity"): "interactivity", ("", "interactivity"): "interactivity",
}
"""By kind of block and keyword: what the value names, which has to be defined above."""
LATE: Mapping[str, str] = {
    "tapetype": "tapetype", "storage": "storage", "active-storage": "storage", "vault-storage": "storage",
    "holdingdisk": "holdingdisk",
}
"""By global keyword: what the value names, which may be defined anywhere."""
INLINE: Mapping[str, tuple[str, ...]] = {"dumptype": ("application", "script"), "storage": ("policy",)}
"""By kind of block: the keywords that may define what they name between braces."""
