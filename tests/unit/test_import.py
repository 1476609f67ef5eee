"""What `import bytesocket_app` costs: nothing that only some of its users need."""

import subprocess
import sys

import pytest

from tests.support.server_process import environment

UNNEEDED = [
    "bytesocket_cli",
    "typer",
    "rich",
    "jinja2",
    "watchfiles",
    "hypercorn",
    "h11",
    "h2",
    "uvicorn",
    "picows",
    "aiofastnet",
    "uvloop",
    "starlette",
    "fastapi",
    "httpx",
    "websockets",
    "asyncio",
    "trio",
    "ssl",
    "multiprocessing",
    "concurrent",
    "sqlite3",
    "pytest",
]
"""Servers, tooling, event loops and hosts: imported where they are first used."""


@pytest.mark.slow
def test_importing_the_framework_loads_neither_servers_nor_tooling() -> None:
    code = f"import sys, bytesocket_app; print([n for n in {UNNEEDED} if n in sys.modules])"
    plain = {name: value for name, value in environment().items() if "COV" not in name}
    done = subprocess.run(
        [sys.executable, "-c", code], env=plain, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
