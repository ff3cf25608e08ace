"""The manual pages: made from the tree of commands, the keys of the configuration and the programs' own descriptions."""
