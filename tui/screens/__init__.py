"""One file a screen: which panes it has, which keys, and what a frame puts where."""
