"""Messages of the area: catalogue and restore."""

from core.codes.page import Page

PAGES: tuple[Page, ...] = (
    Page("RST001", "E", "The catalogue cannot be used",
         "The SQLite file that indexes runs, dumps and volumes could not be opened, read or written: no room, no permission, or"
         " another program has held it for too long.  It is only an index; the journals of the runs are the truth.",
         "See to the file system that the message names.  Backups go on meanwhile; the catalogue catches up by itself when it"
         " can be written again."),
    Page("RST002", "W", "The catalogue was missing or damaged",
         "The file was not there, was damaged, or was made by another version.  It was made again from the journals of the runs.",
         "Nothing, if this was the first start after an update or a move.  A file that is damaged again and again points at a"
         " disk that fails."),
    Page("RST003", "E", "An order for coming nights was not taken",
         "Orders such as `disk force` are kept in orders.json in the state directory, and that file could not be written.",
         "See to the directory's owner, permissions and room, then give the order again."),
)
