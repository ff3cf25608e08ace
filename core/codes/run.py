"""Messages of the area: run."""

from core.codes.page import Page

PAGES: tuple[Page, ...] = (
    Page("RUN002", "E", "amdump did not begin a run",
         "The program of the run ended, or wrote nothing, before its journal was there.",
         "Run it by hand to read what it says: python -P -m core.amdump CONFIG."),
    Page("RUN003", "E", "The state directory cannot be used",
         "The directory for journals, indexes and the tapelist does not exist and cannot be made, or may not be written.",
         "Make it, or let the user who runs the backup own it; state_dir names it."),
    Page("RUN004", "E", "Another run is active",
         "A configuration has one run at a time, so that no two of them use the same volumes and holding disks.",
         "Watch it with 'taperoom attach', end it with 'taperoom stop', or wait."),
    Page("RUN009", "E", "The driver died",
         "The process that leads the run ended in a way that it does not know. Its journal is good up to its last line.",
         "Read driver.log in the run's directory, then 'taperoom cleanup'; the next run flushes what is whole."),
    Page("RUN010", "E", "The planner ended early",
         "The plan may be short: disks that are not in it were not dumped.",
         "Read planner.log in the run's directory."),
    Page("RUN011", "W", "A disk was planned twice", "The second line of the plan is left out.",
         "Nothing; if no plan was made by hand, please report it."),
    Page("RUN012", "E", "A disk of the plan is not in the configuration",
         "The plan names a host and disk that taperoom.toml does not have. It is not dumped; the others are.",
         "Correct the plan made by hand, or add the disk."),
    Page("RUN013", "W", "Nothing was planned", "The planner named no disk, so nothing is dumped.",
         "'taperoom disk list' shows the disks, 'taperoom plan' why they are not dumped."),
    Page("RUN014", "E", "The plan cannot be read", "A line of the plan is too long or broken; the rest is not read.",
         "Read planner.log in the run's directory."),
    Page("RUN015", "E", "A line of the plan makes no sense", "The line is left out; the disk that it meant is not dumped.",
         "Correct the plan made by hand; if there is none, please report it."),
    Page("RUN016", "E", "The plan did not arrive whole",
         "The planner ended early, or lines of its plan were lost or came twice. What arrived is dumped.",
         "Read planner.log in the run's directory; the next run dumps what is missing, 'taperoom run HOST' does it now."),
    Page("RUN017", "E", "The planner says nothing",
         "It was silent for longer than its clients have for their estimates; the run goes on with what was planned so far.",
         "Read planner.log in the run's directory; the next run dumps what is missing."),
    Page("RUN018", "E", "The journal cannot be written",
         "The file system of state_dir is full or broken. What cannot be written down may not be acted upon, so the run was "
         "stopped: dumps under way were given up, whole ones stay on the holding disk.",
         "Make room, or mend the disk; the next run flushes what is whole and dumps the rest."),
    Page("RUN019", "W", "A file beside the journal cannot be written",
         "The catalogue, the log of the pipes or the report: all can be made again, or are only for eyes. The run went on.",
         "Make room where state_dir is; 'taperoom catalogue rebuild' makes the catalogue anew."),
    Page("RUN020", "E", "No run is under way",
         "An order or an answer needs a run that lives; this one is over, or its driver does not answer.",
         "'taperoom status' shows the last run."),
    Page("RUN021", "E", "The run refused an order",
         "What was ordered is not possible as things stand: the request is closed, the choice does not exist, or the disk "
         "is in another state.",
         "'taperoom status' and 'taperoom requests' show how things stand."),
    Page("RUN022", "E", "No such run", "No run's datestamp begins like that, or there is no run yet.",
         "Without a datestamp the last run is meant."),
    Page("RUN023", "E", "The run ended without a last word",
         "Its driver is gone and the journal has no end: the machine went down, or the driver was killed.",
         "'taperoom cleanup' removes what is not whole; the next run dumps and flushes the rest."),
    Page("RUN024", "W", "The run goes on", "A command that followed the run was ended; the run has its own processes.",
         "'taperoom attach' or 'taperoom status' shows it, 'taperoom stop' ends it."),
    Page("RUN025", "E", "A run has nothing to replay", "Its journal is missing or holds no fact.",
         "Choose another run; 'taperoom report' shows which one was the last."),
    Page("RUN026", "E", "Not a recorded run", "The file is no archive that 'taperoom export' wrote, is damaged, or was made to "
         "do harm: it has other names, is longer than it says, or its journal is none. Nothing of it was kept.",
         "Export the run again where it was made, and copy the file anew."),
    Page("RUN027", "E", "The file cannot be written", "The system refused to write the exported run; its own words follow.",
         "Name another file, or make room."),
    Page("RUN028", "E", "The console cannot be served", "The web server of the console is not installed, or its port is taken.",
         "pip install 'taperoom[web]'; choose another port with --port."),
    Page("RUN030", "E", "A demo step failed", "A step of 'taperoom demo' did not do what it should; its output is above.",
         "The demo's directory is kept as it is; please report the step and its output."),
    Page("RUN031", "W", "The journal of a run is damaged",
         "A line of journal.jsonl does not give its checksum, or is no fact at all. What it said is missing; all other facts "
         "are taken as they are. The message has the line, its bytes in the file, and the numbers of the facts.",
         "Look at the disk below (dmesg, smartctl). The dumps of that run can be restored while their own facts are there, "
         "and each volume says itself what is on it."),
    Page("RUN040", "E", "A run died",
         "Its driver was killed, could not write any more, or the machine went down, before the run had an end. "
         "'taperoom cleanup' or the next run wrote the last words into its journal: which disks were dumped, which were not. "
         "Whole dumps are safe where they are.",
         "Look why it died (driver.log of that run, the kernel's log); the next run dumps what is missing and flushes."),
    Page("RUN041", "E", "A run that died cannot be closed",
         "The last words of a run could not be written into its journal. Nothing is lost; it goes on counting as not ended.",
         "Make room in the state directory, or correct its owner; then: taperoom cleanup."),
    Page("RUN042", "I", "A file of a run that died is removed",
         "Files that were being written when a run died and never got their name: an index, a list, a part on a volume. They "
         "were not whole and nothing refers to them.",
         "Nothing."),
    Page("RUN043", "W", "A run or a volume is dated later than the clock",
         "Datestamps are of the machine's clock. Where one is more than two days ahead, the clock was wrong when it was made, "
         "or is wrong now. Without a date restores pass over such dumps and say so (RST028); such volumes are never written "
         "over and count for no rule of retention; the last run is the last that is not among them.",
         "If the clock is wrong now, correct it before the next run. If it was wrong then, nothing has to be ordered: the next "
         "run makes a full of each disk that was dumped then, since nobody knows what an incremental would build on. When "
         "those fulls are on volumes, give the misdated volumes back: 'taperoom tape erase LABEL'."),
    Page("RUN044", "E", "The run was stopped",
         "Somebody ordered the run to stop, or a signal did; the message tells who. What was not dumped by then is not dumped "
         "tonight, whole dumps stay where they are.",
         "The next run dumps what is missing and flushes what is whole; 'taperoom run HOST' does it now."),
    Page("RUN045", "E", "The run ended before a disk was dumped",
         "Nothing of the run was left to do, and the disk still had no dump: something that it waited for never came.",
         "The next run dumps it; if it happens again, please report it with the run's traffic.log."),
    Page("RUN046", "W", "The driver does not answer",
         "A console hears nothing from the driver of a run that lives: it stands still, or the way to it is cut.  The run needs"
         " no console and goes on; orders and answers cannot be sent meanwhile.",
         "It is tried again by itself, and R tries at once.  'taperoom status' tells whether the driver lives."),
    Page("RUN047", "W", "No new dump is started",
         "Somebody paused the run; the message tells who. Dumps under way and all writing go on, disks that wait are not "
         "begun.",
         "'taperoom resume', or P in the console, when they may begin."),
    Page("RUN048", "W", "The run ends early",
         "Somebody ordered the run to stop, or a signal did; the message tells who. Nothing new begins, and what is under way "
         "is still finished or was given up, as the order said.",
         "A stop cannot be taken back. The next run dumps what is missing and flushes what is whole; 'taperoom run HOST' dumps "
         "one client as soon as this one has ended."),
    Page("RUN049", "D", "Somebody must act by a time",
         "After that time something is decided without a person: a request gets its default answer, or the holding disks are "
         "full and dumps are made smaller or left out. The message says which.",
         "Answer the request (r in the console, 'taperoom reply'), bring a volume, or make room; else what the message says "
         "happens."),
    Page("RUN098", "E", "This user may not",
         "The command met a file or a directory that it may not read, write or look into as the user who typed it. A run is "
         "not started then, and no plan is made: without what earlier runs left, each disk would be planned as a new one.",
         "Be the user who runs the backup, or root; or let that user have the file that is named."),
    Page("RUN099", "E", "A fault of Taperoom itself",
         "A command met something that nobody thought of. A run that is under way is not touched by it.",
         "Please report the message with the output of the same command under TAPEROOM_DEBUG=1."),
)
