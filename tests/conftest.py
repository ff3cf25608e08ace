"""What all tests share: in CI hypothesis tries the same examples each time; a developer's machine looks for new ones."""

from __future__ import annotations

import os

from hypothesis import settings

from tests.faults.counting import fault_cases as fault_cases
from tests.faults.counting import pytest_collection_modifyitems as pytest_collection_modifyitems
from tests.faults.counting import pytest_terminal_summary as pytest_terminal_summary

settings.register_profile("ci", derandomize=True, print_blob=True)
if os.environ.get("CI"):
    settings.load_profile("ci")
