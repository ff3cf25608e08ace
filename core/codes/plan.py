"""Messages of the area: plan."""

from core.codes.page import Page

PAGES: tuple[Page, ...] = (
    Page("PLN001", "E", "No such disk",
         "A HOST or HOST:DISK that was asked for is not in the configuration.",
         "Look at `taperoom disk list`; names are taken exactly as they are written there."),
    Page("PLN002", "W", "Nothing to do",
         "No disk is to be dumped and no dump waits on the holding disk.",
         "Nothing, if that was meant; else look at the reasons of the disks that are skipped."),
    Page("PLN003", "E", "A disk without a size",
         "Neither the client nor an earlier dump tells how big the disk is, so it cannot be planned.",
         "Cure what the client says; `taperoom check HOST` asks it again. estimate = [\"server\"] would guess."),
    Page("PLN004", "E", "A dump is too big for a run",
         "The dump alone is larger than all volumes that one run may fill; or larger than one, and may not be split.",
         "Raise runtapes, use larger volumes, set part_size, or divide the disk with include and exclude."),
    Page("PLN005", "E", "A setting needs an earlier full",
         "The disk is configured to have its fulls made elsewhere, and no full of it is known.",
         "Force a full once, or change strategy or skip_full of its dumptype."),
    Page("PLN006", "W", "A dump is dropped for lack of tape",
         "Everything together is larger than the volumes of one run, and this dump is the least important.",
         "Raise runtapes, lengthen the dump cycle, or give the disk a higher priority."),
    Page("PLN007", "W", "The plan is larger than the volumes",
         "New disks need their first full and the volumes of one run do not hold all of it.",
         "Nothing: what does not fit waits on the holding disk, and is flushed by a later run."),
    Page("PLN008", "W", "History cannot be read",
         "The catalogue and the journals do not tell what earlier runs dumped; every disk is planned like a new one.",
         "Run `taperoom catalogue rebuild`, then look at the plan again."),
    Page("PLN009", "W", "An estimate is not credible",
         "A client told a size of more than 8 PiB, or the size of something that it was not asked for.",
         "Look at the client; the rest of its answer is used."),
    Page("PLN010", "E", "The planner was called wrongly",
         "An argument of the planner is missing or unknown.",
         "Call it as shown: a configuration, options, then perhaps disks as HOST or HOST:DISK."),
    Page("PLN011", "I", "A disk is left out by an order or a setting",
         "Somebody held the disk back, or strategy, skip_full or skip_incr of its dumptype leave it out tonight.",
         "Nothing, if that was meant. `taperoom disk list` shows disks that are held, `taperoom disk hold HOST:DISK --undo` "
         "lets one go; the dumptype has the rest."),
    Page("PLN012", "W", "A full is delayed",
         "The full is due and does not fit the volumes of one run, so an incremental is made tonight and the full on a later "
         "night.",
         "Nothing, if it comes once. Raise runtapes or lengthen the dump cycle if it happens each night."),
)
