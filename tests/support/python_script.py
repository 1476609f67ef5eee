"""A Python program that reports as a Node program does."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

from typing_extensions import override

from tests.support.node import Program


class PythonScript(Program):
    """A program that has `anyio`, and `tell(value)` for what is JSON; see `Script`."""

    runner: ClassVar[Sequence[str]] = (sys.executable,)

    def __init__(self, folder: Path, source: str) -> None:
        super().__init__(folder, "script.py")
        self._source = source

    @override
    def __enter__(self) -> Self:
        prelude = "import json\nimport anyio\ntell = lambda v: print(json.dumps(v), flush=True)\n"
        (self._folder / "script.py").write_text(prelude + self._source, encoding="utf-8")
        return super().__enter__()
