"""What the driver does not say to a dumper any more."""

from __future__ import annotations

import io
from pathlib import Path

from core.driver.children import Child
from core.driver.journal import Traffic
from core.protocol import dumper
from core.protocol.dumper import State


def test_no_continue_for_a_dump_that_is_over(tmp_path: Path) -> None:
    """NO-ROOM and TRY-AGAIN came in one breath: the engine answers the first when the second was heard already."""
    conversation = dumper.conversation()
    child = Child("dumper0", conversation, lambda heard: None, Traffic(tmp_path / "traffic"), io.BytesIO())
    for state, orders in ((State.IDLE, 0), (State.STALLED, 1)):
        conversation.state = state
        child.tell(dumper.Continue())
        assert len(child._before) == orders
