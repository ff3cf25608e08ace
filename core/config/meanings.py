"""What each key of `taperoom.toml` means, for its manual page; the keys themselves are in `core.config.sections`."""

from __future__ import annotations

from collections.abc import Mapping

_EXCLUDE = "in GNU tar's patterns, which begin at the disk's own directory"

MEANINGS: Mapping[str, Mapping[str, str]] = {
    "top": {
        "org": "The name of the whole, in reports and towards clients. Default daily.",
        "state_dir": "Where journals, indexes, the tapelist and the catalogue are. Default /var/lib/taperoom/ORG.",
        "theme": "The colours of the console, by the name of a theme.",
    },
    "run": {
        "dumpcycle": "Every disk gets a full dump at least this often; whole days. Default 7 days.",
        "runspercycle": "How many runs there are in a dumpcycle. Default: one a day.",
        "runtapes": "How many volumes one run may fill. Default 1.",
        "inparallel": "How many dumps run at once. Default 4.",
        "maxdumps": "How many of them on one client. Default 1.",
        "netusage": "What all dumps together may take of the network, by their estimates.",
        "dumporder": "A letter for each dumper says which disk it takes next: s smallest size, S biggest size, t shortest "
                     "time, T longest time, b smallest bandwidth, B biggest bandwidth. Default BTsS.",
        "taperalgo": "Which dump on the holding disk is written next: first, firstfit, largest, largestfit, smallest or last. "
                     "Default first.",
        "autoflush": "Whether a run also writes what earlier runs left on the holding disks. Default true.",
        "request_deadline": "When an open question takes its default. Default 1 h.",
        "retry_delay": "How long a disk that answered TRY-AGAIN waits, times the attempt. Default 30 s.",
        "child_timeout": "A dumper or taper that says nothing for so long is ended, and its work is tried again. Default 15 "
                         "min.",
    },
    "requests": {
        "reply": "The choice that is given as the answer.",
        "after": "How long a person has first. Default: at once.",
        "argument": "What the choice needs beside its name, such as a directory.",
    },
    "holding": {
        "path": "Its directory.",
        "use": "How much of it may be filled; with a minus sign all but that much; \"all\", the default, is all that is free.",
        "chunksize": "Dumps are stored in files of this size at most. Default 1 GiB.",
        "reserve": "Percent of it that are kept for incrementals when there is no volume. Default 30.",
    },
    "storage": {
        "changer": "What holds the volumes: disk: and a directory of slots.",
        "slots": "How many slots it has.",
        "capacity": "What one volume holds.",
        "part_size": "A dump is written in parts of this size; 0, the default, does not split it.",
        "label": "A regular expression that the labels of our volumes match. What it does not match is passed over.",
        "autolabel": "How new volumes are labelled by themselves, one % a digit. Without it 'taperoom tape label' does it.",
        "runtapes": "As in [run], for this storage.",
    },
    "retention": {
        "tapes": "The newest so many volumes are kept. Default 14, or fewer where there are few slots.",
        "days": "Volumes younger than this many days are kept. Default 0.",
        "full": "The last so many fulls of each disk are kept, with what belongs to them. Default 1.",
    },
    "interface": {"use": "What all dumps over it may take together, by their estimates."},
    "verify": {"every": "A copy that was not read for so long is read again. Without it only what is asked for is read."},
    "drill": {
        "files": "How many files of each disk are restored and compared. Default 10.",
        "scratch": "Where they are restored to. Default: the system's temporary directory.",
        "limit": "How much may be there at once. Default 1 GiB.",
    },
    "dumptype": {
        "program": "What makes the dump: gnutar, or a program with Amanda's Application API, by its name or as application "
                   "NAME. Default gnutar.",
        "auth": "How the client is reached: ssh, local (this machine), tls or bsdtcp. Default ssh.",
        "compress": "Where and how a dump is compressed: none, or client or server with fast, best, zstd or custom. Default "
                    "client fast.",
        "compress_program": "The whole path of the program of a custom compression; with -d it does the reverse.",
        "encrypt": "Only none, in this version.",
        "index": "Whether the names in a dump are kept, so that it can be looked through. Default true.",
        "record": "Whether later incrementals go on from this dump. Default true.",
        "holding": "Whether a dump goes through a holding disk: auto, never or required. Default auto.",
        "priority": "low, medium, high, or a number from 0 to 9: which disks come first when there is not enough room.",
        "estimate": "How sizes are found, in this order: client asks the client, calcsize lets it guess quickly, server goes "
                    "by what earlier dumps were.",
        "retry": "How often a dump that failed is tried again in the same run. Default 2.",
        "strategy": "standard; noinc (fulls only), nofull (never a full but the first), incronly (a full only when forced) or "
                    "skip.",
        "skip_full": "On a day on which a full is due nothing is dumped; it is made in another way.",
        "skip_incr": "On a day on which no full is due nothing is dumped.",
        "dumpcycle": "As in [run], for these disks.",
        "maxpromoteday": "A full is made at most so many days before it is due.",
        "comprate": "What compression is expected to leave of fulls and of incrementals, until there is experience.",
        "exclude": f"What is left out, {_EXCLUDE}.",
        "exclude_list": f"Files on the client with what is left out, {_EXCLUDE}.",
        "include": "What alone is dumped, from the disk's own directory on; patterns as a shell's.",
        "include_list": "Files on the client with what alone is dumped.",
        "starttime": "Not before this time of day.",
        "storage": "The storages that dumps go to, each a whole copy. Default: the first one.",
        "allow_split": "Whether a dump may be written in parts and over several volumes. Default true.",
        "max_warnings": "How many strange lines of a dump are kept. Default 20.",
        "beyond_estimate": "When a dump has become so many times larger than its estimate, and 1 GiB, a request (DMP033) asks "
                           "whether it goes on, and again each time that it has doubled since. Without an answer it goes on; "
                           "requests = { \"DMP033\" = { reply = \"abort\", after = \"10 min\" } } in [run] gives it up. 0 "
                           "never asks. Default 10.",
        "properties": "What an application is told.",
    },
    "bump": {
        "percent": "The saving that is asked for, in percent of the full; 0 goes by size.",
        "size": "The saving that is asked for. Default 10 MiB.",
        "mult": "How much more is asked for at each level. Default 1.5.",
        "days": "How many days a level is kept at least. Default 2.",
    },
    "host": {
        "address": "Its name in the network, if that is not NAME.",
        "port": "The port of its sshd, of its listener, or with bsdtcp of its amandad.",
        "user": "With ssh the login there; with bsdtcp who we say that we are.",
        "ssh_key": "The private key for the login.",
        "ssh_options": "More words for the command ssh.",
        "amandad": "The command of the client there. Default taperoom-clientd -auth=ssh.",
        "push": "With ssh, for a host that has nothing but Python 3.11 or newer: true brings the client there and keeps it "
                "for the next time; \"once\" leaves nothing there, so that each dump is a full. Default false.",
        "maxdumps": "How many dumps run on it at once.",
        "starttime": "Its dumps do not begin before this time of day.",
        "connect_timeout": "How long it has to answer. Default 30 s.",
        "estimate_timeout": "How long it has for each level of each disk to be estimated. Default 5 min.",
        "data_timeout": "How long it may send nothing in a dump. Default 30 min.",
    },
    "disk": {
        "host": "The client's name.",
        "disk": "The disk's name: its directory, or any word, and then with device.",
        "device": "The directory, if disk is not it.",
        "dumptype": "How it is dumped. Default default.",
        "spindle": "Disks of one host with the same number are never dumped at the same time; -1, the default, is none.",
        "interface": "The network that it is reached by.",
    },
}
