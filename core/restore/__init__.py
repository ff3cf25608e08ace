"""Restoring: what was on a disk at a moment (`browse`), getting it back (`recover`), and how by hand (`byhand`).

Nothing is loaded here: a small file comes back in less time than all of it would take.
"""
