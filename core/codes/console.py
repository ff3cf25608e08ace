"""Pages of the console: what it says about itself, a terminal and an operator's own files."""

from __future__ import annotations

from core.codes.page import Page

PAGES = (
    Page("CON003", "E", "no such place", "What was typed after : names no screen, disk, run, volume or message.",
         "Type : and tab; the places are completed as you type. ? lists them."),
    Page("CON004", "E", "no such run", "No run of this site has a datestamp that begins so.",
         "History (7) lists the runs."),
    Page("CON005", "W", "a theme was not loaded",
         "A file in the themes folder of your configuration is no theme. The others, and the theme in use, stay.",
         "Correct the file; it is read again within seconds while the console is open."),
    Page("CON006", "W", "a setting was not taken",
         "console.toml cannot be read, or a value in it is none. Everything else in it holds.",
         "Correct the file, or change the setting in Settings (9), which writes it anew."),
    Page("CON007", "E", "a setting was not written",
         "The change holds until this console ends, but the file could not be replaced.",
         "Make the folder writable for you, then change the setting once more."),
    Page("CON008", "E", "something could not be read",
         "A file or directory that a screen needs could not be read. The run is not touched by this.",
         "The message names it and says why; the screen asks again when you come back to it."),
    Page("CON010", "W", "not possible here and now",
         "What the key does needs something else: another line under the cursor, another state of the run, the disk or the "
         "volume, or a console that may act. The message says which. Nothing was done.",
         "? shows the keys of where you are; the palette (ctrl+p) has every action, and says why one is off."),
    Page("CON011", "E", "a file was not written",
         "The console was to write a file for you and the system refused; its own words follow.",
         "Make the directory writable for you, or make room, then do it again."),
    Page("CON009", "E", "the key is taken",
         "Another action of the same screen has this key already, or the console needs it for itself.",
         "Choose another key, or first give the other action another one."),
)
