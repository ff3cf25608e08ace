"""Messages of the area: holding."""

from __future__ import annotations

from core.codes.page import Page

PAGES: tuple[Page, ...] = (
    Page("HLD003", "D", "No room on the holding disks",
         "Dumps need more room on the holding disks than is free, and no running flush will give enough back.",
         "Flush, add a directory, wait, or give one dump up; what is given up goes straight to tape or comes again."),
    Page("HLD010", "E", "A holding directory cannot be used",
         "The directory of a [[holding]] entry is missing, is no directory, or may not be written by this user.",
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
         "A dumper ended before its dump was whole; the file still has its .tmp name, or lacks chunks.",
         "`taperoom cleanup` removes it; the disk has been or will be dumped again."),
    Page("HLD018", "W", "Something on the holding disk is not ours",
         "A file or directory there was not made by a run.",
         "Move it away, so that the space is what it seems."),
)
