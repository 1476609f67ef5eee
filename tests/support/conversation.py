"""A Node program that answers one line of JSON with another, as often as it is asked."""

import json
import subprocess
import threading
from pathlib import Path
from typing import Any, Self

from tests.support.node import HERE, NODE

LIFE = 300.0
"""Seconds after which the process is ended whatever it does."""


class Conversation:
    """One process: `with Conversation("echo.ts", folder) as talk: talk.ask(value)`.

    Args:
        program: Its name in `tests/node`.
        arguments: What it is called with.
    """

    def __init__(self, program: str, *arguments: Path) -> None:
        self._process = subprocess.Popen(
            [NODE, "--no-warnings", str(HERE / program), *map(str, arguments)],
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

    def ask(self, question: object) -> Any:
        """Send one value and wait for the answer.

        Raises:
            AssertionError: The process has ended.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(f"{json.dumps(question)}\n")
        stdin.flush()
        answer = stdout.readline()
        assert answer, "the process has ended"
        return json.loads(answer)
