"""``python -P -m core.cli``: the command `taperoom`, where it is not on the path."""

from core.cli.main import main

main()
