"""Widgets that are drawn line by line: they take rows, know nothing of backups, and repaint only rows that changed."""
