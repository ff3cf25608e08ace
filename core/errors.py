"""The error tree, told apart by whose fault it is.

Everything that may reach an operator carries a stable code (see `core.codes`), one clear sentence
and, where there is one, a hint that says what to do next.  Any other exception is a bug of ours.
"""

from __future__ import annotations


class TaperoomError(Exception):
    """A fault with a code, a sentence and a hint; never shown as a traceback.

    ``code`` is a key of `core.codes`; ``message`` one sentence that names the object; ``hint`` what to do.
    """

    exit_code = 1

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        hint = f"  Hint: {self.hint}" if self.hint else ""
        return f"{self.code} {self.message}{hint}"


class UsageError(TaperoomError):
    """The operator asked for something that cannot be: a wrong argument or configuration (exit code 2)."""

    exit_code = 2


class StartError(TaperoomError):
    """A run could not start or was stopped (exit code 3)."""

    exit_code = 3


class BusyError(TaperoomError):
    """Another run holds the lock (exit code 4)."""

    exit_code = 4


class PeerError(TaperoomError):
    """A client, a drive or a store could not be reached or talks nonsense (exit code 5).

    ``try_later`` tells that the same request may work in a while.  ``again``: the peer named a time itself, in so many
    seconds and at that level; −1 where it does not say.
    """

    exit_code = 5

    def __init__(
        self, code: str, message: str, hint: str = "", *, try_later: bool = True, again: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(code, message, hint)
        self.try_later = try_later
        self.again = again


class WorldError(TaperoomError):
    """A disk, a directory or a network of this machine failed (exit code 1)."""


class ProtocolError(Exception):
    """A line or a message that the protocol does not allow; the peer's fault, or a program of ours has a bug."""


class BadLine(ProtocolError):
    """Bytes that are no message of the vocabulary."""


class OutOfTurn(ProtocolError):
    """A message of the vocabulary that came in a state which does not allow it."""
