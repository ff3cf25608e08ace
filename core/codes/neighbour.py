"""Messages of the area: a real Amanda beside us, on the same volumes, or again in our place."""

from core.codes.page import Page

PAGES: tuple[Page, ...] = (
    Page("TAP040", "E", "No configuration of Amanda to write to",
         "The directory holds no amanda.conf, or that file does not say where Amanda keeps its logs, indexes and curinfo.",
         "Name the directory of a working configuration, such as /etc/amanda/daily; write logdir, indexdir and infofile into "
         "its amanda.conf."),
    Page("TAP041", "E", "Which of Amanda's storages is meant",
         "Our storages and those of amanda.conf could not be paired: they do not have the same slots, and there is more than "
         "one.",
         "Say it: taperoom catalogue export-amanda DIR --storage OURS=THEIRS."),
    Page("TAP043", "E", "A directory of Amanda refuses",
         "A log, an index or a curinfo record could not be written into Amanda's directories. The tapelist was not touched, so "
         "Amanda sees nothing of a half export.",
         "Run it as root, or as the user that Amanda runs as; see to the room."),
    Page("TAP044", "W", "A file of Amanda is kept",
         "The export would write a file that is there already and that no export of ours made, or that was changed since.",
         "Nothing, if Amanda's own is to stay: dumps that it does not tell of are in the trace logs all the same. "
         "--overwrite replaces it."),
    Page("TAP045", "W", "Dumps that no volume has",
         "Dumps on our holding disks are not told to Amanda: it knows holding files only where its own configuration has them.",
         "taperoom flush, then export again."),
    Page("TAP046", "W", "Amanda would overwrite volumes of ours",
         "The autolabel of that storage has the flag any or other-config: Amanda then gives a label of its own to any volume "
         "that is not in its tapelist and does not match its labelstr, whatever is on it.",
         "Take the flag out of amanda.conf: autolabel \"TEMPLATE\" empty. Or export after each of our runs: what stands "
         " in Amanda's tapelist is not overwritten."),
    Page("TAP047", "W", "The same labels twice",
         "Both make labels from the same template, each looks only into its own tapelist, and so both make the same label. "
         "Neither overwrites the other's volume for that, but nobody can tell the two apart by their label.",
         "Give our storage another autolabel and label, such as TR-%%%."),
    Page("TAP048", "W", "A label that Amanda uses itself",
         "Amanda's tapelist has a volume of that label that was written at another time. It is Amanda's; what we know of a "
         "volume of this label is not told to Amanda.",
         "Look which of the two is in the slot: taperoom tape list. Give our storage another autolabel."),
)
