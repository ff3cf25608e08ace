"""Messages of the area: coming from Amanda."""

from core.codes.page import Page

PAGES: tuple[Page, ...] = (
    Page("AMA001", "E", "There is no such configuration of Amanda",
         "The directory that was named holds no amanda.conf that can be read.",
         "Name the directory that has it, or the name of one below /etc/amanda; read it as root or as Amanda's user."),
    Page("AMA002", "E", "What Amanda keeps cannot all be read",
         "A tapelist, command_file, curinfo record or log has a place that is not what Amanda writes, or may not be read. "
         "Each is listed with file and line. Nothing was taken over: a catalogue that lacks dumps without a word is worse "
         "than none.",
         "Look at the places. --skip-damaged goes on without damaged records and lines of logs, and lists them; faults of the "
         "tapelist and the command_file have to be corrected."),
    Page("AMA003", "E", "Taperoom cannot work as this Amanda does",
         "The configuration that would be written has faults of Taperoom's own rules, such as directories that lie in each "
         "other.",
         "Change what the lines name in Amanda's configuration, then import again."),
    Page("AMA004", "E", "The target is there already",
         "import-amanda writes a new configuration and a new state directory only, so that nothing is mixed up or lost.",
         "Name another file or another --state-dir, or move the old one away."),
    Page("AMA005", "E", "The result cannot be written",
         "A directory for the configuration or the state is not writable or has no room. Nothing was left behind.",
         "Correct its owner or make room, then import again."),
    Page("AMA006", "E", "An index cannot be read",
         "A file of Amanda's index directory could not be copied. Nothing was left behind.",
         "Correct its owner or permissions, or move the file away: a dump without index can still be restored, only slower."),
    Page("AMA007", "E", "Amanda is at work",
         "A run of Amanda is under way, so its logs and records change just now.",
         "Wait until it is done. --dry-run and plan --beside only look, and do not mind."),
    Page("AMA008", "W", "Not carried over",
         "Taperoom has nothing like this setting or this thing, or has it only in another way. The line says which, where it "
         "stands, and why.",
         "Read each line once. What matters to you can often be done otherwise: by cron, or by a key of taperoom.toml."),
    Page("AMA009", "W", "Amanda's planner could not be asked",
         "The real planner is not here, may not be run by this user, or ended without a plan. plan --beside shows Taperoom's "
         "plan alone, and the fulls that 'amadmin balance' expects where that can be run.",
         "Run it as root or as Amanda's user, on the server of Amanda."),
)
