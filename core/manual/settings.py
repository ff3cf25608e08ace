"""taperoom.toml(5): every table and key of the configuration, with what it means and an example."""

from __future__ import annotations

from collections.abc import Mapping

from core.config import sections
from core.config.meanings import MEANINGS
from core.config.sections import Field
from core.manual.roff import Page

TABLES: tuple[tuple[str, str, str, Mapping[str, Field]], ...] = (
    ("top", "At the top", "Before the first table.", sections.TOP),
    ("run", "[run]", "How a night is driven.", sections.RUN),
    ("requests", '[run.requests."CODE"]', "Answers that are given without a person, by the code of the question; * stands for "
                                          "any letters.", sections.POLICY),
    ("holding", "[[holding]]", "A holding disk: dumps wait there on their way to a volume. There may be none, or several.",
     sections.HOLDING),
    ("storage", "[storage.NAME]", "A changer and its volumes. Dumps go to the first one, unless their dumptype names others.",
     sections.STORAGE),
    ("retention", "[storage.NAME.retention]", "What keeps a volume from being written over. All that is said here has to be "
                                              "fulfilled.", sections.RETENTION),
    ("interface", "[interface.NAME]", "A network that several clients share.", sections.INTERFACE),
    ("verify", "[verify]", "How often what is on volumes is read again, by 'taperoom verify'.", sections.VERIFY),
    ("drill", "[drill]", "How restores are rehearsed, by 'taperoom drill'.", sections.DRILL),
    ("dumptype", "[dumptype.NAME]", "How disks are dumped. One of the name default holds for disks that name none. With like "
                                    "= \"other\" it begins as another one.", sections.DUMPTYPE),
    ("bump", "[dumptype.NAME.bump]", "When an incremental moves up a level, since it would save that much.", sections.BUMP),
    ("host", "[host.NAME]", "A client; it needs a table only where something differs from the defaults.", sections.HOST),
    ("disk", "[[disk]]", "An entry of the disklist. It may also have every key of a dumptype, which then holds for this disk.",
     sections.DISK),
)


def page() -> Page:
    """The page."""
    made = Page("taperoom.toml", 5, "configuration of Taperoom")
    made.heading("Description")
    made.paragraph("One file in TOML describes a site. It is looked for as --config says, then as TAPEROOM_CONFIG says, then "
                   "as taperoom.toml in the working directory, in the user's .config/taperoom, and in /etc/taperoom. A bare "
                   "word such as daily means /etc/taperoom/daily.toml or /etc/taperoom/daily/taperoom.toml.")
    made.paragraph("Sizes, times and bandwidths are texts with a unit: \"10 GiB\", \"30 min\", \"900 Mbps\". Relative paths "
                   "begin at the directory of the file. A key that is not known is a fault. All faults are told at once, each "
                   "with its line; 'taperoom check' reads the file and tries what it names. 'taperoom init' writes a first "
                   "one.")
    for name, head, text, known in TABLES:
        made.heading(head)
        made.paragraph(text)
        for key, field in known.items():
            needed = " Needed." if field.required else ""
            made.item(key, MEANINGS[name][key] + needed, f"Example: {field.example}")
    made.heading("Example")
    made.example(_EXAMPLE.strip("\n").split("\n"))
    return made


_EXAMPLE = """
org = "daily"
state_dir = "/var/lib/taperoom/daily"

[[holding]]
path = "/var/spool/taperoom"

[storage.main]
changer = "disk:/srv/vtapes"
slots = 20
capacity = "100 GiB"
autolabel = "DAILY-%%%"

[dumptype.default]
auth = "ssh"

[[disk]]
host = "web1"
disk = "/home"
"""
