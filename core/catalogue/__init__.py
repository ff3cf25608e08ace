"""The catalogue: an SQLite index over the journals of all runs, and what planner, reports and restores ask of it."""
