"""The command line in this process: arguments in, exit code and output out."""

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from bytesocket_cli.main import main
from tests.support.imports import fresh_imports
from tests.support.server_process import environment


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str


class CommandLine:
    """Runs commands in a folder of the test's own."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self.folder = folder
        monkeypatch.chdir(folder)
        # For commands that start a process of their own.
        monkeypatch.setenv("PYTHONPATH", environment()["PYTHONPATH"])

    def __call__(self, *arguments: str) -> Outcome:
        self._monkeypatch.setattr(sys, "argv", ["bytesocket", *arguments])
        self._capsys.readouterr()
        code: object = 0
        with fresh_imports():
            try:
                main()
            except SystemExit as leaving:
                code = leaving.code
        printed = self._capsys.readouterr()
        assert isinstance(code, int)
        assert "Traceback" not in printed.err
        return Outcome(code, printed.out, printed.err)

    def write(self, name: str, text: str) -> Path:
        """Write a file of the folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path
