"""The keywords of an amanda.conf with the kind of their values (Amanda 3.5.1, common-src/conffile.c).

``text`` a string in quotes, ``word`` a string or a name, ``whole`` a number, ``size`` KiB, ``bytes`` bytes, ``flag`` yes or
no, ``real`` a number with a point, ``list`` words as they stand, ``more`` the same, where each line adds to those before.
"""

from __future__ import annotations

from collections.abc import Mapping


def _table(**rows: str) -> dict[str, str]:
    return {key: kind for kind, keys in rows.items() for key in keys.split()}


_BUMP = "bumppercent bumpdays"
GLOBAL: Mapping[str, str] = _table(
    text="org mailto mailer dumpuser dumporder tapedev rawtapedev changerdev changerfile tapelist diskfile infofile "
         "logdir indexdir command-file columnspec printer tmpdir meta-autolabel amrecover-changer rest-ssl-cert "
         "rest-ssl-key ssl-dir ssl-fingerprint-file ssl-cert-file ssl-key-file ssl-ca-cert-file ssl-cipher-list "
         "krb5principal krb5keytab tapepool label-new-tapes",
    word="tpchanger tapetype interactivity taperscan taperalgo displayunit send-amreport-on autoflush",
    whole=f"dumpcycle runspercycle tapecycle runtapes inparallel maxdumps etimeout dtimeout ctimeout connect-tries req-tries "
          f"rep-tries netusage reserve taper-parallel-write flush-threshold-dumped flush-threshold-scheduled taperflush "
          f"max-dle-by-volume debug-days rest-api-port {_BUMP} debug-amandad debug-recovery debug-auth debug-event "
          "debug-holding debug-protocol debug-planner debug-driver debug-dumper debug-chunker debug-taper debug-selfcheck",
    size="maxdumpsize bumpsize", bytes="device-output-buffer-size", real="bumpmult",
    flag="eject-volume report-use-media report-next-media sort-index compress-index usetimestamps amrecover-do-fsf "
         "amrecover-check-label ssl-check-host ssl-check-certificate-host ssl-check-fingerprint",
    list="labelstr autolabel storage active-storage vault-storage report-format reserved-udp-port reserved-tcp-port "
         "unreserved-tcp-port recovery-limit dump-limit holdingdisk",
    more="property device-property",
)
_CHANGER = _table(text="comment changerdev changerfile", word="tpchanger tapedev", more="property device-property")
_PLUGIN = _table(text="comment plugin", more="property")
BLOCKS: Mapping[str, Mapping[str, str]] = {
    "dumptype": _table(
        text="comment client-custom-compress server-custom-compress client-encrypt server-encrypt client-decrypt-option "
             "server-decrypt-option amandad-path client-username client-port ssh-keys ssl-fingerprint-file ssl-cert-file "
             "ssl-key-file ssl-ca-cert-file ssl-cipher-list split-diskbuffer program auth tape-split-diskbuffer",
        word="application data-path strategy holdingdisk priority encrypt",
        whole=f"dumpcycle maxcycle maxdumps maxpromoteday {_BUMP} starttime max-warnings retry-dump",
        size="bumpsize tape-splitsize fallback-splitsize", real="bumpmult",
        flag="index record skip-full skip-incr kencrypt ignore allow-split ssl-check-host ssl-check-certificate-host "
             "ssl-check-fingerprint",
        list="compress comprate estimate recovery-limit dump-limit tag", more="exclude include property script",
    ),
    "tapetype": _table(
        text="comment lbl-templ part-cache-dir", word="part-cache-type",
        size="blocksize readblocksize length filemark part-size part-cache-max-size", whole="speed", flag="file-pad"),
    "interface": _table(text="comment src-ip", whole="use"),
    "application": {**_PLUGIN, "client-name": "text"},
    "script": {**_PLUGIN, **_table(text="client-name", word="execute-where", whole="order", flag="single-execution",
                                   more="execute-on")},
    "device": _table(text="comment tapedev", more="device-property"),
    "changer": _CHANGER,
    "holdingdisk": _table(text="comment directory", size="use chunksize"),
    "interactivity": _PLUGIN,
    "taperscan": _PLUGIN,
    "policy": _table(text="comment", whole="retention-tapes retention-days retention-recover retention-full"),
    "storage": _table(
        text="comment meta-autolabel tapepool", word="policy tpchanger tapedev taperscan tapetype taperalgo autoflush "
        "interactivity", bytes="device-output-buffer-size",
        whole="runtapes taper-parallel-write max-dle-by-volume flush-threshold-dumped flush-threshold-scheduled taperflush",
        flag="eject-volume erase-volume report-use-media report-next-media set-no-reuse erase-on-failure erase-on-full",
        list="labelstr autolabel", more="dump-selection vault"),
}
ALIASES: Mapping[str, str] = {"application-tool": "application", "script-tool": "script"}
PREDEFINED: Mapping[str, tuple[str, ...]] = {
    "no-compress": ("compress none",), "compress-fast": ("compress client fast",),
    "compress-best": ("compress client best",), "compress-cust": ("compress client custom",),
    "srvcompress": ("compress server fast",), "bsd-auth": ('auth "bsd"',), "bsdtcp-auth": ('auth "bsdtcp"',),
    "no-record": ("record no",), "no-hold": ("holdingdisk never",), "no-full": ("strategy nofull",),
}
"""Dumptypes that are there without being defined."""
