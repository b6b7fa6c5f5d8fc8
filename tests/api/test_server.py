"""What the server sees to before its first call."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from core.api.server import lifespan


def test_answers_leave_at_once(home: Path) -> None:
    """Without it, a body waits for 40 ms until a client acknowledges its head."""
    with socket.socket() as listening, socket.socket() as other:
        listening.bind(("127.0.0.1", 0))
        listening.listen()

        async def begun() -> None:
            async with lifespan(None):
                pass

        asyncio.run(begun())
        other.connect(listening.getsockname())
        taken, _ = listening.accept()
        with taken:
            assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert not other.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)  # it is none of the server's


@pytest.mark.usefixtures("home")
def test_no_process_is_started_before_one_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[object] = []
    monkeypatch.setattr("core.api.beside.subprocess.Popen", lambda *_, **__: started.append(1))

    async def begun() -> None:
        async with lifespan(None):
            pass

    asyncio.run(begun())
    assert not started
