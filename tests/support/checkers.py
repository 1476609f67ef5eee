"""Run the type checkers over a program, strictly, and say which lines they refuse."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeAlias

from tests.support.turns import turn

ROOT = Path(__file__).parents[2]

Checker: TypeAlias = Callable[[Path], tuple[set[int], str]]
"""Gives the lines of a file that are refused, and all that was said: `mypy`, `pyright`."""


def marked(program: str) -> set[int]:
    """The lines of a program that say they are wrong."""
    return {i for i, line in enumerate(program.splitlines(), 1) if "# wrong" in line}


def mypy(path: Path) -> tuple[set[int], str]:
    """The lines that mypy refuses, and all that it says."""
    output = run_mypy("--strict", "--disable-error-code=unused-awaitable", str(path))
    return {int(line) for line in re.findall(rf"{path.name}:(\d+): error", output)}, output


def pyright(path: Path) -> tuple[set[int], str]:
    """The lines that pyright refuses, and all that it says."""
    config = {"typeCheckingMode": "strict", "extraPaths": [str(ROOT)], "include": [path.name]}
    path.with_name("pyrightconfig.json").write_text(json.dumps(config), encoding="utf-8")
    output = run_pyright(path.parent)
    lines = {
        one["range"]["start"]["line"] + 1
        for one in json.loads(output)["generalDiagnostics"]
        if one["severity"] == "error" and not one["rule"].startswith("reportUnused")
    }
    return lines, output


def check(checker: Checker, program: str, folder: Path) -> tuple[set[int], str]:
    """What one of the two checkers says of a program's text."""
    file = folder / "program.py"
    file.write_text(program, encoding="utf-8")
    return checker(file)


def run_mypy(*arguments: str) -> str:
    """What mypy says. One runs at a time: what they have in common is then analysed only once."""
    with turn(Path(__file__)):
        return _run("mypy", *arguments)


def run_pyright(folder: Path) -> str:
    """What pyright says of a folder with a configuration, as JSON."""
    _install_pyright()
    return _run("pyright", "--outputjson", "--pythonpath", sys.executable, "-p", str(folder))


@cache
def _install_pyright() -> None:
    """Let its first run on a machine, which downloads, have no other beside it."""
    with turn(Path(__file__)):
        _run("pyright", "--version")


def _run(*arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        cwd=ROOT,
    ).stdout
