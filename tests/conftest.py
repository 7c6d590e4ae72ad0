"""Every test starts with the same terminal, whatever it runs in."""

import pytest
from command import TERMINAL_VARIABLES


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    for name in TERMINAL_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
