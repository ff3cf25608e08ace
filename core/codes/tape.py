"""Messages of the area: tape.  Volumes, changers, labels, the tapelist and the taper."""

from core.codes.page import Page

PAGES: tuple[Page, ...] = (
    Page(
        "TAP001", "E", "No such storage or device",
        "The storage is not in the configuration, or its changer names a kind of device that does not exist.",
        "Write changer = \"disk:DIRECTORY\" in the [storage.NAME] section, and name the storage as it stands there.",
    ),
    Page(
        "TAP002", "E", "The changer's directory is missing",
        "The directory that holds the slots is not there, or it vanished while a volume was being written.",
        "Mount it or create it. Nothing was written; dumps stay on the holding disk and are flushed by the next run.",
    ),
    Page(
        "TAP003", "E", "The volume may not be written",
        "The file system is mounted read-only, or the directory belongs to another user.",
        "Mount it for writing, or give the directory to the user who runs taperoom.",
    ),
    Page(
        "TAP004", "E", "The storage is in use",
        "Another taper, or a command that labels volumes, holds the lock of this changer.",
        "Wait until it ends. The lock goes by itself when its holder dies.",
    ),
    Page(
        "TAP005", "E", "The slots are empty",
        "The tapelist names volumes of this storage that were written, yet no slot holds a labelled volume. Most "
        "often the file system of the volumes is not mounted.",
        "Mount it. If the volumes are really gone, remove their lines from the tapelist.",
    ),
    Page(
        "TAP006", "E", "The capacity of a volume is too small",
        "A volume must hold its label, the header of a part, one block of data and the four blocks that are kept "
        "for the early warning; a smaller one would be filled without a byte of data.",
        "Raise capacity in the [storage.NAME] section.",
    ),
    Page(
        "TAP007", "E", "The file system of the volumes is full",
        "There is no room for a part. No further volume was begun, since it would be on the same file system.",
        "Free room on that file system, or lower the number of slots times the capacity.",
    ),
    Page(
        "TAP008", "E", "A volume could not be written or read",
        "The device reported an error. A dump from the holding disk is written again on the next volume; the parts "
        "that were reported before are good.",
        "Look at the kernel's log. Retire the volume when it happens again.",
    ),
    Page(
        "TAP009", "E", "The tapelist is malformed",
        "A line of the tapelist is not what taperoom or Amanda writes. Nothing is written without it, since it says "
        "which volumes are still needed.",
        "Correct the line that the message names: '<datestamp> <label> reuse|no-reuse [KEY:value …] [#comment]'.",
    ),
    Page(
        "TAP010", "E", "The tapelist could not be read or written",
        "Its file or its lock is not accessible, or another program kept the lock for a minute.",
        "See who holds it; check owner and mode of the state directory.",
    ),
    Page(
        "TAP011", "E", "No label could be made",
        "The template of autolabel is wrong, all its numbers are used, or what it makes does not match the storage's "
        "label pattern.",
        "Correct autolabel and label in the [storage.NAME] section; a template has one run of % such as DAILY-%%%.",
    ),
    Page(
        "TAP012", "A", "No volume may be written",
        "Every slot was looked at and none holds a volume that may be overwritten. The message gives the reason for "
        "each. A volume that retention still needs, that is not in the tapelist, or that is not Amanda's is never "
        "chosen.",
        "Add a slot, load another volume, or label one with 'taperoom tape label'. The taper looks again by itself "
        "every few seconds. Dumps stay on the holding disk if nobody comes.",
    ),
    Page(
        "TAP013", "W", "No further volume was allowed",
        "The dump needs another volume and the run may not begin one, most often because runtapes are used.",
        "The dump stays on the holding disk and the next run flushes it. Raise runtapes if it happens each night.",
    ),
    Page(
        "TAP014", "E", "The dump did not arrive whole",
        "A dump that went directly to the volume broke off, or the dumper reported that it failed.",
        "The driver tries again. Parts already on the volume are left there and ignored.",
    ),
    Page(
        "TAP015", "E", "The holding file is not usable",
        "The file, or one of its chunks, is missing, shorter than its header says, or holds another dump.",
        "The dump must be made again; look at the holding disk's file system.",
    ),
    Page(
        "TAP016", "E", "The data has another CRC than its header says",
        "What was read from the holding disk or received from the dumper is not what the dumper sent. It is never "
        "reported as done.",
        "The dump is made again. Check the memory and the disk of the server if it happens again.",
    ),
    Page(
        "TAP017", "E", "The volume may not be labelled",
        "Its slot holds a volume that is still needed or not ours, or the label is used by another volume.",
        "Choose another slot or label. --force overwrites the volume in the slot; its data is lost.",
    ),
    Page(
        "TAP018", "E", "The volume is not in a slot",
        "No slot of the changer holds a volume with that label.",
        "Load it, or bring it back: 'taperoom tape list' shows what is in the slots.",
    ),
    Page(
        "TAP019", "E", "The volume has no such part",
        "The file with that number is missing on the volume, or it does not begin with a header.",
        "'taperoom verify' tells what the volume holds; use another copy of the dump.",
    ),
    Page(
        "TAP020", "I", "The taper was told to end",
        "QUIT, the end of its input or SIGTERM came while a dump was being written; the part under way was removed.",
        "Nothing is lost: the dump stays on the holding disk.",
    ),
    Page(
        "TAP021", "E", "The volume is not erased",
        "Retention still needs what is on it, or it is not this storage's: another configuration's, not in the tapelist, "
        "or unreadable. The message gives the reason.",
        "Wait until it may be overwritten. 'taperoom tape erase LABEL --confirm LABEL' loses what retention keeps; what "
        "is not this storage's is never erased.",
    ),
    Page(
        "TAP022", "E", "Another volume stands in the slot",
        "The volume that this run was writing has been taken out, or another one was put in its place. Nothing was written "
        "on the other one; the part under way is written again on the next volume. Parts that were reported are good.",
        "Leave the volumes of a live run where they are. 'taperoom tape list' shows what stands where.",
    ),
    Page(
        "TAP024", "W", "A part was reported twice",
        "The taper said of the same file of a volume twice that it is written. It is in the journal once.",
        "Nothing; if it happens again, please report it with the run's traffic.log.",
    ),
    Page(
        "TAP026", "W", "A volume does not describe itself",
        "The last file of a volume tells what is on it: the journal of the run, the indexes of the dumps, and a README with "
        "the commands that restore without Taperoom. It could not be written, or not all of it; the dumps on the volume are "
        "not concerned. The message says why.",
        "Nothing: the next volume tells of this one, too. Until then 'taperoom catalogue rebuild --from-volumes' would read "
        "this volume's headers instead, which is slower and gives no file lists.",
    ),
    Page(
        "TAP027", "E", "A taper died",
        "The process that writes volumes ended, or had to be ended since its drive or changer did not answer. It is "
        "started once more, and what it wrote is written again; after a second time the storage takes nothing more in "
        "this run.",
        "Look at the drive and the changer ('taperoom tape list'), and at children.log in the run's directory. What stays "
        "on the holding disk is flushed by the next run.",
    ),
    Page(
        "TAP028", "I", "Degraded mode was ordered",
        "Somebody ordered that no volume is used any more in this run. Dumps stay on the holding disk; fulls without "
        "room there become incrementals.",
        "Nothing: the next run flushes what waits, or 'taperoom flush' does.",
    ),
    Page(
        "TAP029", "E", "A taper failed without a word",
        "A dump that went straight to a volume was not written, and the process that writes volumes did not say why.",
        "Look at the drive and the changer ('taperoom tape list'), and at children.log in the run's directory. The dump is "
        "tried again as its dumptype allows; 'taperoom retry HOST:DISK' does it at once while the run lives.",
    ),
    Page(
        "TAP030", "I", "A storage has a volume again",
        "The storage had been given up for want of a volume, and one has come. What waits on the holding disk is written to "
        "it, and disks that had found no place are dumped after all.",
        "Nothing.",
    ),
    Page(
        "TAP025", "W", "A word of the taper was lost",
        "What the taper says does not fit what it said before: a volume was never begun, or the parts that it reported "
        "are not the whole dump. A dump whose parts are not all known is written again.",
        "Nothing; if it happens again, please report it with the run's traffic.log.",
    ),
)
