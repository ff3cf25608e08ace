"""Coming from Amanda: its configuration and what it knows, as ours; and its plan for tonight beside ours.

Promises that nothing of Amanda's is written, locked or moved.
"""
