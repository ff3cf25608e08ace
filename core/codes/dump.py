"""Messages of the area: dump."""

from __future__ import annotations

from core.codes.page import Page

_AGAIN = "The disk is dumped again if its `retry` allows; look at the client if it happens twice."

PAGES: tuple[Page, ...] = (
    Page("DMP001", "E", "No such disk",
         "A dump was ordered of a host or disk that the configuration does not have.",
         "Write the names as they stand in the configuration; `taperoom disk list` shows them."),
    Page("DMP002", "E", "A dump order that cannot be carried out",
         "An option or a field of FILE-DUMP or PORT-DUMP has a value that makes no sense.",
         "When it was typed by hand, correct it; otherwise report it, since the driver should not say such a thing."),
    Page("DMP007", "W", "A dump will be tried again",
         "A dump failed in a way that may pass: the client was busy or unreachable, or the connection was lost.",
         "Nothing, unless it happens again: then look at the client."),
    Page("DMP010", "E", "The client sent no data",
         "The dump ended without one byte of backup data.", _AGAIN),
    Page("DMP011", "E", "The client did not say the size of the dump",
         "Its `sendbackup: size` line is missing: the backup program ended early.", _AGAIN),
    Page("DMP012", "E", "The client did not say the end of the dump",
         "Its `sendbackup: end` line is missing: the backup program ended early, or its amandad was killed.", _AGAIN),
    Page("DMP013", "E", "The data that arrived is not what the client sent",
         "The CRC-32C of the bytes that arrived differs from the one that the client computed.",
         "The dump is thrown away.  When it happens again suspect the memory or the network of either machine."),
    Page("DMP014", "E", "The data that arrived is not what the backup program wrote",
         "Nothing compresses or encrypts on the client, so the CRC-32C before and after should be the same.",
         "The dump is thrown away.  When it happens again suspect the client's memory."),
    Page("DMP015", "E", "The client says that the dump failed",
         "The backup program failed on the client; its own words follow.",
         "Mend what the words say; `taperoom check HOST` asks the client again."),
    Page("DMP016", "E", "The client does not follow the protocol",
         "It sent data before it had described it, a line without end, or a description that no header can hold.",
         "Check that it runs a supported amandad."),
    Page("DMP017", "E", "Nothing comes from the client",
         "No stream of the dump had any traffic for as long as `data_timeout` allows.",
         "Look whether the backup program hangs on the client, or raise data_timeout of that host."),
    Page("DMP018", "E", "The client asks for another time",
         "It answered that it cannot dump this disk now.", _AGAIN),
    Page("DMP019", "W", "The index or the checksums of a dump could not be kept",
         "The dump is good, but its list of files, or the checksums that a drill compares with, could not be written.",
         "Look for free space and errors where `state_dir` is."),
    Page("DMP020", "E", "The program for server compression failed",
         "The custom program could not be started, ended with a fault, or ended too early.",
         "Run it by hand on some data; it must read stdin and write stdout, and undo it with -d."),
    Page("DMP021", "E", "The taper does not take the data",
         "The connection to the taper of a dump straight to tape was refused or broke.",
         "The taper's own message tells more; the disk is dumped again if its `retry` allows."),
    Page("DMP022", "E", "The dumper could not start",
         "It was called without the path of a configuration.",
         "python -P -m core.dumper /path/to/taperoom.toml"),
    Page("DMP023", "E", "A fault of the dumper itself",
         "Something happened that the dumper does not know; its log (stderr) has the details.",
         "Report it with those lines; only this one dump is lost."),
    Page("DMP025", "E", "A disk that may not wait on the holding disk has no volume",
         "Its dumptype says holding = \"never\", so it goes straight to a volume, and no volume of its storages may "
         "be written. The rest of the message tells why.",
         "Load or label a volume; `taperoom retry HOST:DISK` dumps it in the same run, else the next run does. holding "
         "= \"auto\" would let it wait on the holding disk."),
    Page("DMP026", "E", "A full has no place without a volume",
         "There is no volume, the full does not fit beside the part of the holding disk that is kept for incrementals, and the "
         "disk has no earlier full that an incremental could be made of.",
         "Load or label a volume, add a holding disk, or lower its reserve; the next run tries the full again."),
    Page("DMP027", "E", "A dump has no place at all",
         "It is larger than the holding disks, or than what other dumps leave free there that no volume takes tonight, and may "
         "not go straight to a volume, or there is none. A holding disk where writing it failed does not count: it is not "
         "tried with this dump again until somebody orders that.",
         "Load a volume, add a holding disk, set holding = \"auto\" in its dumptype, or divide the disk with include "
         "and exclude."),
    Page("DMP028", "E", "A dump was aborted by an order",
         "Somebody gave the dump up while it was under way; the message has the name. What was dumped so far is thrown "
         "away, and the disk is not tried again by itself.",
         "Nothing, if that was meant; `taperoom retry HOST:DISK` dumps it in the same run, else the next run does."),
    Page("DMP029", "E", "A dumper died",
         "The process that received the dump ended, or had to be ended since it was silent or said what makes no "
         "sense. Another one is started.", _AGAIN + " children.log in the run's directory has its last words."),
    Page("DMP030", "E", "Every dumper died",
         "Each dumper of the run died again and again, so nothing more could be dumped.",
         "Read children.log in the run's directory; look for the kernel's word on lack of memory."),
    Page("DMP031", "W", "A disk was skipped by an answer",
         "The disk was to be tried again, and the answer to its request was to leave it out; the message tells by whom.",
         "Nothing, if that was meant; `taperoom retry HOST:DISK` dumps it in the same run, else the next run does."),
    Page("DMP032", "I", "A disk is dumped again by an order",
         "Somebody ordered that the disk is tried again; the message tells who.", "Nothing."),
    Page("DMP033", "W", "A dump is far larger than its estimate",
         "It has become beyond_estimate times larger than was estimated, and at least 1 GiB. The disk may have grown, the "
         "estimate may have been wrong, or its client sends without end: that would fill the holding disks and then volumes.",
         "go-on: it goes on, and is asked about again when it has doubled; so it is without an answer. abort: what it has "
         "dumped is thrown away and the disk is not dumped tonight. A policy (requests = { \"DMP033\" = { reply = \"abort\", "
         "after = \"10 min\" } }) gives such dumps up without a person; beyond_estimate of the dumptype says from when on, 0 "
         "never asks."),
    Page("DMP034", "E", "A dump was given up since it was far larger than its estimate",
         "A request (DMP033) asked whether it goes on, and the answer of a person or of a policy was to give it up; the "
         "message tells whose. What it had dumped is thrown away, and the disk is not tried again by itself.",
         "Look at the client what has grown, and exclude what is not wanted. If it is right so, `taperoom retry HOST:DISK` "
         "dumps it in the same run, and a larger beyond_estimate of its dumptype asks later, 0 never."),
    Page("DMP024", "W", "The client was not told that its dump is safe",
         "The dump is good, but the connection broke before the client heard so; it keeps its older incremental state.",
         "Nothing; the next incremental dump of the disk is larger than it needs to be."),
)
