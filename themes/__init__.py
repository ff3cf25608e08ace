"""Colour themes of the console: one TOML file a theme, read by `themes.loader`, held to WCAG AA by `themes.contrast`.

What each colour is for is said in `themes.palette`.  Nothing here knows Textual.
"""
