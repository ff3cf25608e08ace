"""Volumes that describe themselves: what is written on each (`content`), and a state directory made from them (`recover`)."""
