"""The applications' clients in two languages: generated, type-checked, run against the servers."""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from bytesocket_cli.codegen.python import python
from bytesocket_cli.codegen.typescript import typescript
from tests.apps.document.app import app as document
from tests.apps.progress.app import app as progress
from tests.apps.python_uses import PROGRAM
from tests.support.cable import Cable
from tests.support.checkers import marked, mypy, pyright
from tests.support.document_peer import edit, edited, look, move, open_document, until
from tests.support.node import HERE, Program, Script, type_check
from tests.support.python_script import PythonScript
from tests.support.server_process import ROOT, serving

LANGUAGES = ["typescript", "asyncio", "trio"]
MOVES = 4000
"""More cursors than all buffers between server and client hold."""


@pytest.fixture(scope="module")
def uses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generated clients and the programs that use them."""
    folder = tmp_path_factory.mktemp("uses")
    (folder / "package.json").write_text('{"type": "module"}')
    for name, app in {"document": document, "progress": progress}.items():
        contract: dict[str, Any] = dict(app.contract().document)
        (folder / f"{name}.ts").write_text(typescript(contract), encoding="utf-8")
        (folder / f"{name}_client.py").write_text(python(contract), encoding="utf-8")
    for name in ("document_tab", "progress_dashboard"):
        source = (HERE / "uses" / f"{name}.ts").read_text(encoding="utf-8")
        (folder / f"{name}.ts").write_text(source, encoding="utf-8")
    (folder / "uses.py").write_text(PROGRAM, encoding="utf-8")
    return folder


def program(folder: Path, language: str, name: str, port: int) -> Program:
    """A program that uses a client."""
    url = f"ws://127.0.0.1:{port}/ws"
    if language == "typescript":
        return Script(folder, f"import {{ run }} from './{name}.ts';\nawait run('{url}', tell);\n")
    call = f"anyio.run(uses.{name}, '{url}', tell, backend='{language}')"
    return PythonScript(folder, f"import uses\n{call}\n")


@contextmanager
def served(app: str) -> Generator[int]:
    """Serve an application; gives the port."""
    with serving("run", app, "--host", "127.0.0.1", "--port", "0", cwd=ROOT) as server:
        yield server.port


def test_the_typescript_programs_pass_the_compiler(uses: Path, node_packages: Path) -> None:
    assert type_check(uses, "7.0") == ""


def test_the_python_programs_pass_both_checkers_but_for_what_is_wrong(uses: Path) -> None:
    for check in (mypy, pyright):
        refused, output = check(uses / "uses.py")
        assert refused == marked(PROGRAM), output


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_tab_sees_no_stale_cursor_after_a_stall_and_after_a_reconnect(
    uses: Path, language: str
) -> None:
    with ExitStack() as stack:
        port = stack.enter_context(served("tests.apps.document.app:app"))
        cable = stack.enter_context(Cable(port))
        ann = open_document(stack, port, "Ann")
        tab = stack.enter_context(program(uses, language, "document_tab", cable.port))
        tab.wait("ready")
        assert tab.told == ["not_shared", "no_such_document", ["Ann", "Bob"], 1, "ready"]

        cable.pinch()
        for position in range(1, MOVES + 1):
            move(ann, position)
        edit(ann, 1)
        cable.release()
        tab.wait({"version": 2})
        *stale, newest = [told["position"] for told in tab.told[5:] if "position" in told]
        assert newest == MOVES
        assert stale == sorted(stale)
        assert len(stale) < MOVES / 2  # on their way before the network was behind

        cable.pinch()
        seen = len(tab.told)
        for position in range(1, 100):
            move(ann, position)
        look(ann)
        cable.cut()
        tab.wait(["dropped", "queued"])
        cable.mend()
        tab.wait("back")
        assert until(ann, event="doc:edited")[-1]["data"] == edited(3) | {"author": "Bob"}
        move(ann, MOVES + 1)
        tab.wait({"position": MOVES + 1})
        assert tab.told[seen:] == [["dropped", "queued"], "back", {"position": MOVES + 1}]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_job_is_shown_on_all_tabs_of_its_owner_and_ends_when_it_is_cancelled(
    uses: Path, language: str
) -> None:
    with (
        served("tests.apps.progress.app:app") as port,
        program(uses, language, "progress_dashboard", port) as dashboard,
    ):
        assert dashboard.result() == [
            True,
            1,
            True,
            True,
            [["Count", None]],
            "no_such_job",
            [1_000_000, "cancelled"],
            [],
        ]
