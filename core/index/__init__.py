"""The index of a dump: which names are in it, where in the archive each begins, and what else was there.

One immutable sorted file per dump (`docs/formats/index.md`): written once while the dump passes, read a frame at a time.
"""
