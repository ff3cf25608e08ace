"""Where restored files land: the real tar, its hidden room in the target, and everything put in its place from there.

Used by a server for a target of its own, and by a client that a server restores to: the standard library only.
"""
