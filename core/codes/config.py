"""Messages of the area: configuration and command line."""

from core.codes.page import Page

PAGES: tuple[Page, ...] = (
    Page("CFG001", "E", "no configuration was found",
         "None of the places where a configuration may be holds one: --config, TAPEROOM_CONFIG, ./taperoom.toml, "
         "~/.config/taperoom/taperoom.toml, /etc/taperoom/taperoom.toml.",
         "Name the file with --config, or write a first one with 'taperoom init'."),
    Page("CFG002", "E", "the configuration cannot be read",
         "The file does not exist, may not be read, or is no TOML. The message names the line where reading ended; one "
         "wrong quote or bracket is usually all there is.",
         "Correct that line. Texts, also sizes and times, stand in quotes; a table may stand in the file only once, but "
         "[[disk]] and [[holding]] as often as there are disks."),
    Page("CFG003", "E", "the configuration has faults",
         "Every fault of the file is listed, each with file, line, key, what is wrong, the nearest known name and an "
         "example. Nothing was started.",
         "Correct them all; 'taperoom check' reads the file again."),
    Page("CFG004", "E", "the disklist cannot be changed so",
         "The change would leave a configuration that does not load, or names a disk that is there already or not at all. "
         "The file is as it was.",
         "Read what the message says of the change; 'taperoom disk list' shows what there is."),
    Page("CFG005", "E", "the file is there already",
         "'taperoom init' writes new files only, so that no configuration is lost.",
         "Name another file, or move the old one away."),
    Page("CFG006", "E", "the command line is wrong",
         "An option, an argument or a name on the command line is not known or not possible.",
         "'taperoom COMMAND --help' shows what is possible, with examples."),
    Page("CFG007", "E", "no such disk",
         "A HOST or HOST:DISK of the command line is not in the configuration.",
         "'taperoom disk list' shows all disks. A disk name with blanks is written in quotes."),
    Page("CFG008", "E", "a directory cannot be used",
         "A directory that the configuration names does not exist and cannot be made, or may not be written.",
         "Make it, or let the user who runs the backup own it."),
    Page("CFG009", "W", "the configuration will not back anything up",
         "There is no disk in it, or no storage and no holding disk to put dumps on.",
         "Add disks with 'taperoom disk add HOST:DISK'; a storage or a holding disk is a table of the file."),
    Page("CFG010", "E", "not made by the demo",
         "The directory for the demo is there already and was not made by it; the demo empties its directory.",
         "Name another directory: taperoom demo DIR."),
    Page("CFG011", "E", "the configuration of Amanda has faults",
         "An amanda.conf, or a file that it includes, holds what Amanda itself would not take, or cannot be read. Every "
         "fault is listed with file and line. Nothing was taken from it, since half a configuration is worse than none.",
         "Correct them all; 'amgetconf CONFIG org' of the real Amanda reads the same files."),
)
