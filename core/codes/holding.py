"""Messages of the area: holding."""

from __future__ import annotations

from core.codes.page import Page

PAGES: tuple[Page, ...] = (
    Page("HLD003", "D", "No room on the holding disks",
         "Dumps need more room on the holding disks than is free, and no running flush will give enough back.",
         "direct: this dump again, straight to a volume. abort, abort-other HOST:DISK: give this or another one up; it is "
         "dumped again when there is room. flush: write what earlier runs left there. wait MINUTES. add DIRECTORY. Each answer "
         "says what is lost; without one the first is taken at the deadline."),
    Page("HLD004", "W", "A dump takes of the reserve",
         "There is no volume, and a full dump that is under way needs more than the holding disks have beside the reserve, "
         "which degraded mode keeps for incrementals. It was given some of it rather than lost.",
         "Load a volume: what is on the holding disks is flushed then. Raise reserve, or add a holding disk, if it happens "
         "again."),
    Page("HLD005", "W", "Dumps stay in a directory that the configuration does not have",
         "A directory was added to the run by an answer to a request. Whole dumps are left in it, and neither the next run nor "
         "'taperoom flush' looks there.",
         "Add the directory as a [[holding]] entry, at least until its dumps are on a volume."),
    Page("HLD010", "E", "A holding directory cannot be used",
         "The directory of a [[holding]] entry is missing, is no directory, may not be written by this user, or its file "
         "system takes no file though it says that it may be written. "
         "A run goes on without it, to the other holding disks or straight to a volume, and ends with exit code 1.",
         "Create it, mount its file system, or correct its owner; `taperoom check` tries it again."),
    Page("HLD011", "E", "A holding file cannot be created",
         "The system refused to create the file; its own words follow.",
         "Look at the directory's owner, its mode and the free inodes of its file system."),
    Page("HLD012", "E", "Writing a holding file failed",
         "The system refused a write or could not make it durable; what was written is removed.",
         "Look for errors of the device in the system's log; the disk is dumped again later."),
    Page("HLD013", "E", "A dump of that name is on the holding disk already",
         "A whole dump with the same date, host, disk and level is there.  It is not overwritten.",
         "Flush it to tape, or move it away if it is known to be worthless."),
    Page("HLD014", "E", "A chunk of a dump is missing",
         "A holding file names a next chunk that is not there, or is not a file.",
         "Find the file with that name; without it the dump is lost from there on."),
    Page("HLD015", "E", "Not a holding file of this dump",
         "A file has no Amanda header, or the header of another dump.",
         "Move it away; it was not written by a dumper, or it was damaged."),
    Page("HLD016", "E", "Reading a holding file failed",
         "The system refused a read, or the file became shorter while it was read.",
         "Look for errors of the device in the system's log."),
    Page("HLD017", "W", "An unfinished dump is on the holding disk",
         "A dumper ended before its dump was whole; the file still has its .tmp name, or lacks chunks.  Or chunks are left of "
         "a dump that is on a volume: a driver was killed, or the power failed, while it removed them.",
         "`taperoom cleanup` removes what was not finished or is on a volume, and keeps what it cannot account for."),
    Page("HLD018", "W", "Something on the holding disk is not ours",
         "A file or directory there was not made by a run.",
         "Move it away, so that the space is what it seems."),
    Page("HLD019", "E", "No such dump on the holding disks",
         "The path is not the first file of a dump on one of the configured holding disks; nothing else is ever removed.",
         "Name a file as it stands in 'taperoom holding list'."),
    Page("HLD020", "E", "The dump is on no volume",
         "It is whole and no storage has a copy: with it goes the only backup of that disk of that night.",
         "'taperoom flush' writes it to a volume. --force removes it all the same."),
    Page("HLD021", "I", "There is nothing to flush", "No whole dump lies on the holding disks.",
         "Nothing; 'taperoom holding list' shows what lies there."),
    Page("HLD022", "W", "The header of a holding file is damaged",
         "The first 32 KiB of the file do not give the checksum that stands at their end. One damaged byte is undone when the "
         "file is read, and named; if more are, the dump is not believed. Its data has a checksum of its own.",
         "Look at the disk below (dmesg, smartctl), flush the dump, and do not remove it before a volume has it."),
    Page("HLD023", "W", "A dump stays on the holding disk",
         "The dump is whole and can be restored from there, but it is not yet on a volume of each storage that should have it: "
         "none could be written, or the run ended early.",
         "Nothing, if volumes are there in the next run: it flushes what is left, and 'taperoom flush' does it now. "
         "'taperoom tape list' shows what may be written."),
    Page("HLD024", "W", "A dump stands still for want of room",
         "The dump is larger than was expected and the holding disks have no more room for it. It has lost nothing: the driver "
         "gives it room as soon as dumps there are written to volumes, and asks when none will come (HLD003).",
         "Nothing as a rule. 'taperoom flush' writes what earlier runs left, an aborted dump gives its room to the others."),
    Page("HLD025", "E", "A holding disk is used no more in this run",
         "Dumps failed there one after the other with the fault that is told. So that not every dump loses an attempt and its "
         "time there, the others go to other holding disks or straight to a volume; the run ends with exit code 1.",
         "Look for errors of the device in the system's log (dmesg, smartctl) and for a file system that became read-only. "
         "Once it is mended, 'taperoom retry HOST:DISK' lets the run use it again; the next run tries it anyway."),
    Page("HLD006", "W", "A FLUSH line names no whole dump",
         "The plan wants a holding file written to a volume that is not there, not finished or misses a chunk.",
         "'taperoom cleanup' tells what lies on the holding disks; nothing was removed."),
    Page("HLD007", "E", "A dump on the holding disk cannot be read back",
         "Its bytes do not give the checksum that they had when they were written, or a chunk is gone. It is not written to "
         "a volume and not removed; tonight's disk is dumped again.",
         "Look at the disk below (dmesg, smartctl). Keep the file until a later dump of the disk is on a volume."),
    Page("HLD008", "W", "A holding file could not be removed",
         "The dump is safe on its volumes, but the file on the holding disk stays and takes room.",
         "Remove it by hand, and look why it could not be removed."),
    Page("HLD009", "W", "A directory cannot be used as holding disk",
         "It does not exist, is not writable, or was not given as an absolute path.",
         "Answer the request again with a directory that is there and writable."),
)
