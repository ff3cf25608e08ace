"""What the driver decides: inputs in, effects out; no clock, no files, no processes (see `core.engine.engine`)."""
