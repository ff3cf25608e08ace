"""Messages of the area: catalogue and restore."""

from core.codes.page import Page

PAGES: tuple[Page, ...] = (
    Page("RST001", "E", "The catalogue cannot be used",
         "The SQLite file that indexes runs, dumps and volumes could not be opened, read or written: no room, no permission, or"
         " another program has held it for too long.  It is only an index; the journals of the runs are the truth.",
         "See to the file system that the message names.  Backups go on meanwhile; the catalogue catches up by itself when it"
         " can be written again."),
    Page("RST002", "W", "The catalogue was missing or damaged",
         "The file was not there, was damaged, or was made by another version.  It was made again from the journals of the"
         " runs.",
         "Nothing, if this was the first start after an update or a move.  A file that is damaged again and again points at a"
         " disk that fails."),
    Page("RST003", "E", "An order for coming nights was not taken",
         "Orders such as `disk force` are kept in orders.json in the state directory, and that file could not be written.",
         "See to the directory's owner, permissions and room, then give the order again."),
    Page("RST010", "E", "Not a date",
         "--as-of takes a moment, and what was written is none.",
         "Write 2026-01-31, 2026-01-31 03:15, a run's datestamp such as 20260131031500, 31 january, last tuesday, yesterday"
         " 14:00, or 2 days ago; behind each of them level 0 means the last dump of that level.  A date means the end of that"
         " day.  Empty text is no date, since it mostly is a variable of a script that was never set: write now for the newest,"
         " or leave the option out."),
    Page("RST011", "E", "No such disk",
         "No disk of that name is configured or was ever dumped; the message names the nearest ones.",
         "Write HOST:DISK or HOST:DISK:PATH with the names of the disklist."),
    Page("RST012", "E", "The path leaves its disk",
         "Paths are named from the top of their disk; one with .. in it is not taken.",
         "Name the path from the disk's top."),
    Page("RST013", "E", "Not there at that date",
         "The disk had no dump as old as that, or the path was not on the disk then.  The hint says which dates there are.",
         "Choose one of the dates with --as-of, or look round with taperoom ls."),
    Page("RST014", "E", "The dump is not held any more",
         "The catalogue knows the dump, but its volumes were written anew and no holding file has it; or a dump that it builds"
         " on is gone.  Without a date the newest state that can be restored is taken, and this is only a warning.",
         "Choose one of the dates that the message names.  If it happens with young dumps, keep more volumes: see retention."),
    Page("RST015", "E", "An index is too long to be true",
         "The list of names that a client sent with a dump has more entries, or a longer name, than a file system can have.",
         "Look at that client.  The dump itself may be restored as a whole."),
    Page("RST016", "W", "Deleted files may be shown",
         "The client of this disk is not ours, and its index does not tell which files were deleted before an incremental dump."
         "  Files that were deleted then are shown as if they were still there.  A restore looks into the dump itself, and"
         " warns only where that is no archive of GNU tar: then they are restored, too.",
         "Use taperoom-clientd on that client; its indexes tell."),
    Page("RST017", "W", "Files that no dump has",
         "When the newest dump was made these files were there and not changed since the dump below, but no dump of the chain"
         " has them: they could not be read then, or were excluded then and are not now.  A restore names them as MISSING"
         " where the full is known not to have left them out; the list of an Amanda's full does not tell, and they may be"
         " excluded.",
         "Order a full dump: taperoom disk force HOST:DISK."),
    Page("RST018", "W", "A dump has no index",
         "The list of names of a dump is not there or cannot be read, so ls and restore read the names from the dump itself:"
         " right, but slow.  find, search and history pass over the dates that need it, and say so.",
         "Nothing for the restore.  Set index in the dumptype if lists are wanted."),
    Page("RST019", "W", "Renames are not known",
         "A client that does not tell renamed directories in its index made this incremental, and the dump itself, which has"
         " them, cannot be read.  Files in a renamed directory may be missing.",
         "Load the volume that the message names."),
    Page("RST020", "E", "The dump is no tar archive",
         "The data is not what GNU tar writes, or ends in the middle of a file.",
         "Another copy is taken where there is one.  Otherwise choose another date."),
    Page("RST021", "E", "The dump cannot be unpacked",
         "What compressed the dump does not read it: the data is damaged or cut short.",
         "Another copy is taken where there is one.  Otherwise choose another date."),
    Page("RST022", "E", "A program is needed that is not run",
         "The dump was made, compressed or encrypted by a program that is neither well known nor named in the configuration."
         "  The name comes from the client, and a client does not say what runs on this machine.",
         "Name the program as compress_program of the disk's dumptype if you trust it, or restore by hand with the command that"
         " the dump's header has."),
    Page("RST023", "E", "A copy is not what it should be",
         "The checksum of the data, or the header before it, is not the one that was written down when the dump was made; or"
         " the volume was written anew since.",
         "Another copy is taken where there is one.  Look at the disk or the drive that had this one."),
    Page("RST024", "E", "No copy of a dump can be read",
         "Every place that has the dump was tried; the message has the fault of the last one, the warnings those of the"
         " others.",
         "Load the volumes that are named, or choose another date."),
    Page("RST025", "E", "The target takes no more",
         "The directory to restore to is full, or refuses to be written.  Nothing of this disk was put in place, unless the"
         " message says so.",
         "Make room, or restore to another directory."),
    Page("RST026", "W", "tar had a remark",
         "tar could not bring back everything of a file, such as its owner or a device, when it extracted it.",
         "As root everything can be brought back.  Names that are missing are listed at the end of the restore."),
    Page("RST027", "W", "A header is damaged",
         "The 32 KiB before the data of a part, of a volume or of a holding file do not give the checksum that stands at their"
         " end.  One damaged byte is undone, and the message says which; the data itself has its own checksum.",
         "Nothing for this restore.  Look at the disk or the drive: damage seldom comes alone."),
    Page("RST028", "W", "A dump is dated later than the clock",
         "The clock of this machine was wrong when the dump was made, or is wrong now, by more than two days.  Nobody can tell"
         " which, so without a date the newest dump that the clock can explain is taken, and where there is none, the newest"
         " of all.",
         "Look at the clock (date, timedatectl).  If it is wrong now, correct it and give the command again.  If it was wrong"
         " then, name that dump by its very second when you want it: --as-of '2031-01-01 03:00:00'.  See also: taperoom explain"
         " RUN043."),
    Page("RST029", "W", "Two dumps of one second",
         "A disk has two dumps with the same datestamp: of two levels, or of the same level with other data.  It happens where"
         " two servers, or a server and its copy, dumped the same disk, or where a clock was set back.  Of two levels both can"
         " be restored.  Of two with the same level only one can be in the catalogue, the last that is held; data of the other"
         " is never taken for it, since its checksum is another.",
         "Choose between levels with --as-of '2026-01-31 03:15:00 level 0'.  Read the other of one level by hand: the first"
         " 32 KiB of its file are a text with the command.  Do not let two servers share a client's disk."),
    Page("RST050", "E", "Not a word of amrecover",
         "What was typed begins with no word that is known here, or with one of amrecover's that there is nothing to do for.",
         "help lists the words."),
    Page("RST051", "E", "A word with too much or too little after it",
         "The word wants something after it that was not written, or takes less; a name with blanks in it counts as several"
         " unless it stands in quotation marks.",
         "Write it as the message shows."),
    Page("RST052", "E", "Host or disk are not chosen yet",
         "The word works on a disk as of a date, and none is chosen.",
         "Write sethost HOST and setdisk DISK; without setdate the newest dump counts."),
    Page("RST054", "E", "No such name here",
         "Nothing in that directory has the name, or fits the pattern.  Names are looked for in the directory one is in, or"
         " with a slash before them from the disk's top.",
         "Look with ls, or with find TEXT through the whole disk; on another date it may be there: setdate."),
    Page("RST055", "E", "Too many names beside it",
         "A directory is marked, and one name below it was to be left out.  All other names would have to be named one by one,"
         " and they are too many.",
         "Restore the directory into an empty target and remove what is not wanted, or mark only what is."),
    Page("RST056", "E", "Nothing is marked",
         "There is nothing to restore as long as nothing is marked.",
         "Mark names with the space bar in the console, or with add NAME."),
    Page("RST057", "E", "Not a regular expression",
         "addx and deletex take regular expressions, and what was written is none.",
         "Correct it, or use add and delete, which take * and ?."),
    Page("RST058", "W", "Too far to look at",
         "No index tells where in the dump the file lies, so that the dump had to be read up to it, which takes too long for a"
         " look.",
         "Restore the file, and look at it then."),
    Page("RST059", "E", "A restore did not begin",
         "The console could not start the restore as a process of its own, or what it would do could not be told beforehand.",
         "Type the command that is shown in a shell: it says what is wrong."),
    Page("RST060", "W", "A volume is passed over",
         "While the catalogue was made again from volumes, a slot or a whole storage could not be looked at, or a label "
         "stands in two slots. The message says which and why.",
         "Load the volume properly, or correct the storage's changer, and run the command again: it adds what is missing."),
    Page("RST061", "W", "A volume's description is damaged",
         "The last file of the volume, which tells what is on it, is not what was written. Journals in it that are whole are "
         "used, file lists are not.",
         "Nothing at once: what is missing comes from other volumes or from headers. The dumps have checksums of their own; "
         "'taperoom restore' says whether one is damaged."),
    Page("RST062", "E", "Nothing can be made from the volumes",
         "No slot of any storage holds a volume with data, or the state directory cannot be written.",
         "Check the changers in the configuration, load the volumes, make the state directory writable."),
    Page("RST063", "W", "A volume was read by its headers",
         "It has no description, or one that cannot be used, so that the header of every file was read instead. Which dumps "
         "are where is known from them; file lists are not, and a listing has to read the dump itself.",
         "Nothing. Listing and restoring work, more slowly."),
    Page("RST064", "W", "A volume is not in a slot",
         "Another volume tells of it, and it is in no slot. Its dumps are in the catalogue, their file lists are not.",
         "Load it before you restore from it; 'taperoom catalogue rebuild --from-volumes' then fetches its file lists."),
    Page("RST065", "W", "A volume from the future",
         "The datestamp in a label is later than this machine's clock: the clock was wrong when it was written, or is now.",
         "Correct the clock. Dates of dumps are kept as they were written; '--as-of' with the very second finds them: "
         "'taperoom ls HOST:DISK --dates' shows it."),
    Page("RST066", "W", "A dump that is not whole is passed over",
         "While the catalogue was made again, a dump was found that is marked as partial, was not finished, misses a chunk, "
         "or is being written by a real Amanda just now. A restore would bring back half of a disk, so it is not in the "
         "catalogue.",
         "Take another date. What there is of it can be read by hand: the first 32 KiB of the file are a text with the "
         "command."),
    Page("RST067", "W", "Volumes of a real Amanda",
         "The label of these volumes was not written by Taperoom. They are in the catalogue and can be restored from. In the "
         "tapelist they stand as no-reuse, so that no run overwrites what Amanda may still need.",
         "Nothing, as long as Amanda uses them. To give one over to Taperoom: 'taperoom tape retire LABEL --undo'."),
    Page("RST068", "W", "Another run of the same second was taken in",
         "The state directory has a run of that second, and the volumes were written by another one: by another server, or by"
         " this one when its clock was set back.  Its journal has a directory of its own, named by the next free second; its"
         " dumps keep the date that stands in their headers.  Where both runs dumped the same disk at the same level, the dump"
         " of the run that was there counts, and the other one is named (RST029).",
         "Nothing.  Do not let two servers write volumes whose labels fit the same storage: each would overwrite the other's."),
    Page("RST069", "E", "A dump is left out",
         "The journal of the run is in the state directory and is kept as it is, but it does not tell of a dump that lies on a"
         " volume of that run or on the holding disk: it has lost its end, perhaps by a power cut, or the dump is another"
         " server's, of a run of the same second.",
         "Set state_dir to an empty directory in a copy of the configuration and run 'taperoom catalogue rebuild"
         " --from-volumes' with it: everything on the volumes is in that catalogue.  By hand: the first 32 KiB of the file are"
         " a text with the command."),
    Page("RST030", "E", "Not a directory to restore to",
         "The target is a file, or cannot be made or read.  A restore by root follows no link on the way to it that another"
         " user made.",
         "Name a directory that you may write, or one that does not exist yet; by its own name, not by somebody's link."),
    Page("RST031", "E", "Names are taken",
         "The target has files of the same names already; a restore does not overwrite what nobody asked to lose.",
         "Restore to an empty directory and compare, or ask for overwriting."),
    Page("RST033", "E", "No such host to restore to",
         "With a colon before any slash --to names a directory of a client, HOST:DIR.  No client of that name is configured,"
         " or its directory is not named from the root.",
         "Name a host of the disklist and a directory from its root.  A directory of this machine that has a colon in its"
         " name is written ./a:b, or from the root."),
    Page("RST034", "E", "An interrupted restore of something else is there",
         "The target has what an interrupted restore left, and that was of other files, or of another date.  A date that was"
         " not given means the newest one, and there may be a newer dump by now: the message names the older one.",
         "Give the former command again (with --as-of) to go on with it, restore to another directory, or give --fresh to"
         " forget what was left; files that were put in their places already stay."),
    Page("RST035", "E", "Another restore to the same place is under way",
         "Its hidden directory in the target is locked by a process that is still at work.",
         "Wait until it ends, or restore to another directory."),
    Page("RST036", "E", "The client takes no restores",
         "Files are put onto a client by its own amandad, and only where the client's access file permits it.  This client's"
         " amandad does not know how (it is Amanda's own, or an old one), or its access file does not permit it.",
         "On the client, put into access.toml: services = [\"selfcheck\", \"sendsize\", \"sendbackup\", \"restore\"] and"
         " targets = [\"/srv/back/*\"].  Or restore to a directory here and copy it."),
    Page("RST037", "E", "The hidden directory in the target is not a restore's",
         "A restore works in a hidden directory in its target, .taperoom-restore, and finds there what an interrupted one left."
         "  What is there is a link, another user's, or open to others, so nothing in it is believed, and nothing is written"
         " or removed through it: whoever may write in the target could have put it there to lead a restore elsewhere.",
         "Look at what it is, remove it, and give the same command again; or restore to a directory that only you may write."),
    Page("RST038", "E", "A directory of the target was exchanged",
         "A directory that the restore had made was another one when its owner, mode and times were to be set.  Whoever may"
         " write in the target can do that at any moment; nothing is given to what came from elsewhere, and nothing outside"
         " the target was touched.  What is in its place stays.",
         "Restore to a directory that only you may write, and move the files from there; or give the same command again."),
    Page("RST040", "A", "A restore needs a volume",
         "The volume is in no slot, no other copy of the dump is at hand, and everything else of the restore has been read."
         "  The request withdraws itself when the volume is there.  Without an answer the restore goes on without it: what"
         " it has stays, the names that are missing are told, and the same command fetches them later.",
         "Load the volume into any slot of the storage that is named.  'done' has the slots looked at again at once, 'skip'"
         " goes on without it, 'stop' ends the restore with what is whole."),
    Page("RST041", "W", "The restore was ended by an answer",
         "A request for a volume was answered with 'stop'.  What is whole stays in the target.",
         "Give the same command again to go on."),
    Page("RST042", "W", "A damaged dump was restored as far as it is whole",
         "No copy of the dump is as it was written.  The checksums of its day tell which MiB of its archive, or which of its"
         " compressed frames, are damaged, and its index tells which files lie there: they are the ones that are missing.  All"
         " others came back, each byte of them compared.  A directory that lay there gets the usual mode and owner.",
         "Restore the names that are missing as of another date (--as-of), or bring another copy and give the command again"
         " with their names.  'taperoom verify' tells where the damage is; 'taperoom disk force' orders a full."),
    Page("RST032", "W", "A date that is still to come",
         "The moment that was asked for has not come yet.  Nothing is known of it, so it was understood as now: the newest"
         " state is shown or restored.  A moment to the second may be that of a dump whose clock was wrong, so dumps that are"
         " dated up to then count, too.",
         "Nothing, if that was meant.  Otherwise look at the date, and at the clock of this machine."),
)
