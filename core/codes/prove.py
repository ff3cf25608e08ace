"""Pages for what `taperoom verify` and `taperoom drill` say."""

from __future__ import annotations

from core.codes.page import Page

PAGES: tuple[Page, ...] = (
    Page("VFY001", "E", "A copy is damaged",
         "What is stored does not give the checksum that was written down when it was stored, cannot be read, or belongs to"
         " another dump.  The message names the volume and file, or the holding file.  Every other part was read all the same.",
         "If there is another copy, restores take it.  Otherwise order a full dump: taperoom disk force HOST:DISK.  Look at the"
         " disk or the drive: damage seldom comes alone."),
    Page("VFY002", "E", "Index and archive do not have the same names",
         "The index of a dump names files that its archive does not have, or the other way round; or it cannot be read.  The"
         " data itself may be good.",
         "Restore from this dump with care: names come from the index.  A full dump makes a new one: taperoom disk force"
         " HOST:DISK."),
    Page("VFY003", "E", "The archive is not what was dumped",
         "Unpacked, a dump does not give the checksums that were taken when its program wrote it, or cannot be unpacked, or is"
         " no tar archive.  If the stored bytes are good all the same, something on the way to the volume changed them: memory,"
         " a network, a compressing program.  The message names the files that are touched.",
         "Take another copy or date for those files.  If stored bytes are good, test the memory of client and server."),
    Page("VFY004", "W", "A copy could not be verified",
         "Its volume is in no slot, or the changer is not there.",
         "Load the volume and verify again, or name others with --volume."),
    Page("VFY005", "W", "A dump has no checksums of its archive",
         "They are taken MiB by MiB while a dump passes unpacked for the first time: by taperoom-clientd, or by the server if"
         " the client does not compress.  A stock client that compresses, and dumps from before, have none; then the checksum"
         " of the whole dump is compared, or that of what was stored.",
         "Nothing.  With taperoom-clientd, or with compression on the server, the next dump has them."),
    Page("VFY006", "E", "The checksums of an archive cannot be read",
         "The file with the checksums of a dump, beside its index, is damaged.  The CRC of the whole is compared instead.",
         "Look at the disk of `state_dir`.  The next dump has new ones."),
    Page("VFY007", "W", "The client's checksums do not fit each other",
         "A client said checksums of its archive that do not give the one that it said of the whole.  They are not kept.",
         "If it happens again, test the client's memory, and see that its version is that of the server."),
    Page("VFY010", "E", "The drill cannot fail",
         "Each drill damages one byte of a copy of what it read, in scratch, and looks whether that is found.  It was not, so"
         " the drill's other results are worth nothing.",
         "Do not trust the results.  Report it: this is a fault of Taperoom, or of the libraries that it uses."),
    Page("VFY011", "E", "A file did not come back as it was dumped",
         "A drill restored files chosen at random.  One of them did not come out, or is not what the archive has, or the"
         " archive is not what it was on the day of the dump.  The message says which.",
         "Run 'taperoom verify HOST:DISK' to see how far it goes, and order a full dump of the disk."),
    Page("VFY012", "E", "There is no room for the drill",
         "The scratch directory is full, cannot be made or cannot be written.  What the drill had put there is removed.",
         "Make room, or name another directory with --scratch or [drill] scratch.  [drill] limit says how much it may take."),
    Page("VFY013", "E", "A result could not be written down",
         "The journal of checks, checks.jsonl in `state_dir`, cannot be read or written.  What was found stands, but it is not"
         " known the next time.",
         "Correct permissions or make room, and do it again."),
    Page("VFY014", "E", "Not a share",
         "--sample takes a percentage of all bytes that are held.",
         "Write --sample 5%."),
    Page("VFY015", "E", "A disk could not be drilled",
         "Nothing could be restored of it: it has no dump that is still held, or no copy can be read.",
         "The message has the reason with its own code; 'taperoom explain' tells more."),
    Page("VFY016", "W", "A check is dated later than the clock",
         "A copy was read again, and the result is dated later than the clock of this machine: the clock was wrong then, or is"
         " now.  Such a result counts as none, so the copy is due and comes first.",
         "Correct the clock if it is wrong.  Otherwise nothing: the next check of the copy has the right date."),
)
