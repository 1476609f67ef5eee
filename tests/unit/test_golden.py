"""What is generated for a dozen small applications, byte for byte.

After an intended change: `pytest tests/unit/test_golden.py --update-golden`, and read the diff.
"""

import importlib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bytesocket_cli.codegen.python import python
from bytesocket_cli.codegen.typescript import typescript

GOLDEN = Path(__file__).parents[1] / "golden"
APPS = sorted(path.parent.name for path in GOLDEN.glob("*/app.py"))
TYPED = "chat"
"""The application whose client's own types are kept: but for three lines they are all the same."""

_SECTION = "// ------"
_SLOTS = ("export type GlobalEvent", "export type JoinableRoom", "  auth: ")


@cache
def generated(app: str) -> dict[str, str]:
    """Generate the files of one application."""
    module: Any = importlib.import_module(f"tests.golden.{app}.app")
    contract = module.app.contract()
    client = typescript(contract.document)
    return {
        "contract.json": contract.to_json(),
        "client.py": python(contract.document),
        "client.ts": contract_part(client, typed=app == TYPED),
    }


def contract_part(client: str, *, typed: bool) -> str:
    """Leave out of a TypeScript client what is the same in all of them: the runtime, above all."""
    static = ("runtime",) if typed else ("runtime", "the client's types")
    sections = client.split(f"\n{_SECTION}")
    kept = [sections[0]]
    for section in sections[1:]:
        if any(f" {name}" in section.partition("\n")[0] for name in static):
            lines = section.splitlines()
            slots = [line for line in lines if line.startswith(_SLOTS)]
            kept += ["\n".join(["// ...", *slots]) + "\n"] if slots else []
        else:
            kept.append(_SECTION + section.partition("\n/**\n * Connect, and")[0].rstrip() + "\n")
    return "\n".join(kept)


def test_there_are_a_dozen() -> None:
    assert len(APPS) >= 12


@pytest.mark.parametrize("app", APPS)
def test_what_is_generated_is_what_was_reviewed(app: str, pytestconfig: pytest.Config) -> None:
    folder, files = GOLDEN / app, generated(app)
    if pytestconfig.getoption("--update-golden"):
        for name, made in files.items():
            (folder / name).write_bytes(made.encode())
    kept = {path.name for path in folder.iterdir() if path.suffix != ".pyc" and path.is_file()}
    assert kept == {"app.py", *files}
    for name, made in files.items():
        expected = (folder / name).read_bytes().decode()
        assert made == expected, f"{app}/{name}: run with --update-golden and read the diff"
