"""The service noop: what this client understands.  Every conversation begins with it."""

from __future__ import annotations

import sys

from clientd.services.contract import Context, by_hand
from core.wire.requests import Request, features_line


def noop(request: Request, context: Context) -> int:
    """Reply with our features."""
    context.say(features_line(context.settings.features))
    return 0


if __name__ == "__main__":
    sys.exit(by_hand(noop, "noop"))
