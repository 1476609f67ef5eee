"""Credentials: a value, or made afresh."""

from collections.abc import Callable
from typing import Any

import pytest

from bytesocket_app.client.auth import fresh

pytestmark = pytest.mark.anyio


async def later() -> str:
    return "token"


@pytest.mark.parametrize("source", ["token", lambda: "token", later])
async def test_every_source_gives_its_value(source: str | Callable[[], Any]) -> None:
    assert await fresh(source) == "token"
