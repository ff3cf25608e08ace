"""What each pane shows, as values: pure functions from a run's view to rows.  Nothing here imports Textual."""
