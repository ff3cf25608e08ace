"""The driver: the thin loop round `core.engine` that owns the children, the journal and the control socket."""
