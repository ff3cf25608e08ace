"""The operator console: the only package that imports Textual.

It reads a run through `core.client` and says what an operator wants over the run's control socket; it never holds a
pipe of the run, so it can stall, be killed or lose its terminal, and the run does not notice.
"""
