"""One Node process in which generated clients give every event back."""

import base64
import json
import subprocess
import threading
from pathlib import Path
from typing import Self

from bytesocket_app.types import EventName
from bytesocket_app.wire import Codec
from tests.support.node import HERE, NODE

LIFE = 300.0
"""Seconds after which the process is ended whatever it does."""


class Echo:
    """The process: `with Echo(folder) as echo: echo(...)`.

    Args:
        folder: Holds the generated modules.
    """

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [NODE, "--no-warnings", str(HERE / "echo.ts"), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self._watch = threading.Timer(LIFE, self._process.kill)
        self._watch.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._watch.cancel()
        self._process.kill()
        self._process.communicate()

    def __call__(self, module: str, codec: Codec, event: EventName, frame: bytes) -> bytes:
        """Let an event arrive, have it emitted again, and return the frame that does.

        Raises:
            AssertionError: The client could not read or write it.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        name = "msgpack" if codec.is_binary else "json"
        line = json.dumps([module, name, base64.b64encode(frame).decode(), event])
        stdin.write(f"{line}\n")
        stdin.flush()
        answer = json.loads(stdout.readline() or '{"error": "the process has ended"}')
        assert isinstance(answer, str), answer["error"]
        return base64.b64decode(answer)
