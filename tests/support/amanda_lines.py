"""Lines of an amanda.conf that the real amgetconf 3.5.1 takes, and lines that it refuses; each was tried with it."""

from __future__ import annotations

DEFINED = """\
define tapetype D1 {
}
define application D1 {
 plugin "x"
}
define script D1 {
 plugin "x"
}
define policy D1 {
}
define changer D1 {
}
define taperscan D1 {
}
define interactivity D1 {
}
define storage D1 {
 tpchanger "chg-disk:/x"
}
define device D1 {
}
define holdingdisk D1 {
 directory "/x"
}
"""
"""What the lines name."""


def text_of(kind: str, line: str) -> str:
    """A whole amanda.conf with the line: at its top, or in a block of that kind."""
    return DEFINED + (f"define {kind} T {{\n {line}\n}}\n" if kind else f"{line}\n")


TAKEN: dict[str, tuple[str, ...]] = {
    "storage": (
        'policy "D1"', 'tapetype "D1"', 'tapetype "zzz"', 'taperscan "D1"', 'taperscan "zzz"', 'interactivity "D1"',
        'tpchanger "D1"', 'runtapes -1', 'autoflush 2', 'taperalgo largest', 'vault D1 3', 'vault "D1" 3',
        'dump-selection ALL FULL', 'dump-selection "x" ALL', 'labelstr "x"', 'autolabel "a-%%%" any',
        'autolabel "a-%%%" other-config empty', 'policy {\n retention-days 3\n}',
    ),
    "dumptype": (
        'priority low', 'strategy hanoi', 'compress fast', 'compress client fast', 'compress fast client',
        'compress none', 'compress client', 'compress client custom', 'compress server none', 'compress best server',
        'encrypt server', 'estimate server client', 'comprate 0.5', 'comprate 0.5, 0.3', 'comprate 0.5 0.3',
        'exclude "a"', 'exclude', 'exclude file', 'exclude list append "a"', 'exclude list optional append "a"',
        'exclude file append "a" "b"', 'exclude append', 'property "a"', 'property "a" "b"', 'property append "a" "b"',
        'property priority "a" "b"', 'property priority append "a" "b"', 'script D1', 'script "D1"', 'script D1 D1',
        'application "D1"', 'starttime 1830', 'starttime -1', 'client-port 10080', 'client-port "amanda"',
        'tag "a" "b"', 'tag append "a"', 'holdingdisk yes', 'holdingdisk required', 'holdingdisk 1',
        'program "GNUTAR"', 'data-path AMANDA', 'data-path directtcp', 'recovery-limit same-host "x"',
        'recovery-limit', 'dump-limit server', 'application {\n plugin "x"\n}', 'script {\n plugin "x"\n}',
        'fallback-splitsize -1', 'starttime 2590', 'kencrypt', 'ignore yes', 'no-hold', '"no-hold"',
    ),
    "": (
        'storage D1', 'storage "D1"', 'storage D1 D1', 'vault-storage D1', 'holdingdisk D1', 'holdingdisk "D1"',
        'inparallel 63', 'inparallel 64', 'etimeout -5', 'bumpmult 1', 'displayunit "k"', 'send-amreport-on strange',
        'autoflush 2', 'autoflush all', 'krb5keytab "x"', 'report-format "a"', 'maxdumpsize -1',
        'reserved-tcp-port 600,700', 'reserved-tcp-port 1,2000', 'tapetype "D1"', 'taperscan "D1"', 'debug-days -3',
        'label-new-tapes "x"', 'device-output-buffer-size 0', 'taper-parallel-write 0', 'autoflush', 'usetimestamps',
        'dumporder "xx"', 'command-file "x"', 'labelstr "a" "b"', 'property "a"', 'device-property "a"',
        'changerfile "x"',
    ),
    "script": (
        'execute-on pre-amcheck, post-amcheck', 'execute-on pre-dle-amcheck', 'execute-where server', 'order -1',
        'single-execution yes',
    ),
    "holdingdisk": (
        'chunksize 0', 'use -10 gb', 'use 0',
    ),
    "tapetype": (
        'part-cache-type disk', 'filemark -1', 'lbl-templ "x"', 'D1', '"D1"',
    ),
    "policy": (
        'retention-tapes -1', 'retention-days -1',
    ),
    "interface": (
        'use 10 mbps',
    ),
}
"""By kind of block, empty for the top."""
REFUSED: dict[str, tuple[str, ...]] = {
    "storage": (
        'policy zzz', 'policy D1', 'policy "zzz"', 'tapetype D1', 'tapetype zzz', 'taperscan D1', 'interactivity D1',
        'tpchanger D1', 'dump-selection x ALL', 'labelstr match-autolabel', 'labelstr x', 'autolabel x',
        'autolabel "a-%%%" bogus', 'tapetype {\n length 3\n}', 'tapepool "x y"',
    ),
    "dumptype": (
        'priority 7', 'strategy foo', 'compress server-fast', 'encrypt foo', 'estimate server, client', 'estimate foo',
        'comprate -1', 'exclude optional list "a"', 'exclude append optional "a"', 'script zzz', 'application zzz',
        'application D1', 'starttime "x"', 'client-port x', 'tag a', 'program "gnutar"', 'program GNUTAR',
        'program "FOO"', 'bumppercent -1', 'bumppercent 200', 'bumpmult 0.5', 'bumpsize -1', 'bumpdays -1',
        'retry-dump 0', 'retry-dump -1', 'maxdumps 0', 'max-warnings -1', 'data-path "amanda"', 'dumpcycle -1',
        'recovery-limit x', 'spindle 1', 'maxcycle 3', 'file-pad yes', 'tape-splitsize -1', 'maxpromoteday -1',
        'comment x',
    ),
    "": (
        'storage zzz', 'storage "zzz"', 'active-storage zzz', 'holdingdisk zzz', 'inparallel 0', 'inparallel -4',
        'netusage 0', 'etimeout 0', 'dtimeout 0', 'reserve 101', 'bumpmult 0.5', 'displayunit x', 'displayunit k',
        'send-amreport-on foo', 'autoflush foo', 'tapepool "x"', 'report-format a', 'taperalgo "first"',
        'taperalgo foo', 'reserved-tcp-port 600 700', 'reserved-tcp-port 700,600', 'interactivity D1', 'taperscan zzz',
        'connect-tries 0', 'debug-taper 10', 'runspercycle -2', 'rest-api-port -1', 'flush-threshold-dumped -1',
        'max-dle-by-volume 0', 'rawtapedev "x"', 'tapebufs 3', 'report-use-media foo', 'includefile x', 'org "a" "b"',
    ),
    "script": (
        'execute-on pre-amcheck post-amcheck', 'execute-on foo', 'execute-where foo',
    ),
    "holdingdisk": (
        'chunksize 10kb', 'chunksize -1', 'directory x',
    ),
    "tapetype": (
        'blocksize 10kb', 'length -1', 'part-cache-type foo', 'part-size -1', 'speed -1', 'file-pad yes',
    ),
    "interface": (
        'use 0', 'use -1',
    ),
}
