"""The project templates: they render, their code passes its own checks, the example is one."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from bytesocket_cli.codegen.render import render

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "templates" / "bytesocket_templates" / "project"
EXAMPLE = ROOT / "examples" / "chat"
GENERATED = {"client.js", "client.d.ts", "contract.json"}
DEADLINE = 120.0
"""Seconds for a tool that checks a rendered project, on a busy machine."""

NAMES = pytest.mark.parametrize("template", ["chat", "minimal"])


def project(template: str, folder: Path, package: str) -> Path:
    """Render a template without the files that are generated from its application."""
    values = {"name": package.replace("_", "-"), "package": package, "title": package.title()}
    for source in sorted(path for path in (TEMPLATES / template).rglob("*") if path.is_file()):
        relative = source.relative_to(TEMPLATES / template).as_posix()
        target = folder / relative.replace("__package__", package).removesuffix(".j2")
        if target.name == "gitignore":
            target = target.with_name(".gitignore")
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.suffix == ".j2":
            text = render(f"project/{template}/{relative}", values)
            target.write_text(text, encoding="utf-8", newline="\n")
        else:
            target.write_bytes(source.read_bytes())
    return folder


def run(folder: Path, *command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def settings(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))


@NAMES
def test_every_python_file_compiles(template: str, tmp_path: Path) -> None:
    folder = project(template, tmp_path, "hello")
    sources = sorted(folder.rglob("*.py"))
    assert {path.name for path in sources} >= {"__init__.py", "app.py", "events.py"}
    for path in sources:
        ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


@NAMES
def test_no_placeholder_is_left_over(template: str, tmp_path: Path) -> None:
    for path in project(template, tmp_path, "hello").rglob("*"):
        if path.is_file() and path.suffix not in {".js", ".css", ".svg"}:
            text = path.read_text(encoding="utf-8")
            assert "{{" not in text, path
            assert "{%" not in text, path


@NAMES
def test_files_end_with_one_newline(template: str, tmp_path: Path) -> None:
    for path in project(template, tmp_path, "hello").rglob("*"):
        if path.is_file():
            assert path.read_bytes().endswith(b"\n"), path
            assert not path.read_bytes().endswith(b"\n\n"), path


@NAMES
def test_settings_name_the_application_and_what_is_generated(template: str, tmp_path: Path) -> None:
    folder = project(template, tmp_path, "hello_there")
    document = settings(folder)
    assert document["project"]["name"] == "hello-there"
    assert document["tool"]["bytesocket"] == {
        "app": "hello_there.app:app",
        "generate": [
            {"target": "contract", "output": "contract.json"},
            {"target": "javascript", "output": "hello_there/static/client.js"},
        ],
    }


@NAMES
def test_pages_ask_nobody_else_for_anything(template: str, tmp_path: Path) -> None:
    folder = project(template, tmp_path, "hello")
    for path in (folder / "hello" / "static").iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        for phrase in ("http:", "https:", 'src="//', 'href="//', "innerHTML", "insertAdjacentHTML"):
            assert phrase not in text, path


@pytest.mark.slow
@NAMES
@pytest.mark.parametrize("package", ["a", "hello", "zebra_crossing"])
def test_code_passes_its_own_ruff_settings(template: str, package: str, tmp_path: Path) -> None:
    folder = project(template, tmp_path, package)
    run(folder, "ruff", "check", "--no-cache", ".")
    run(folder, "ruff", "format", "--no-cache", "--check", ".")


@pytest.mark.parametrize(
    "name", sorted(path.name for path in (TEMPLATES / "chat" / "__package__" / "static").iterdir())
)
def test_the_example_page_is_the_chat_template(name: str, tmp_path: Path) -> None:
    same_bytes(Path("static") / name.removesuffix(".j2"), tmp_path)


@pytest.mark.parametrize("name", ["__init__.py", "events.py", "app.py"])
def test_the_example_code_is_the_chat_template(name: str, tmp_path: Path) -> None:
    same_bytes(Path(name), tmp_path)


def same_bytes(relative: Path, tmp_path: Path) -> None:
    rendered = project("chat", tmp_path, "chat") / "chat" / relative
    assert (EXAMPLE / relative).read_bytes() == rendered.read_bytes(), (
        f"examples/chat/{relative.as_posix()} is not the template any more: "
        "run `bytesocket new chat` in an empty folder and copy chat/chat over examples/chat"
    )


def test_the_example_holds_nothing_else_but_what_is_generated() -> None:
    template = TEMPLATES / "chat" / "__package__"
    shared = {path.name.removesuffix(".j2") for path in template.rglob("*") if path.is_file()}
    found = {
        path.name
        for path in EXAMPLE.rglob("*")
        if path.is_file() and path.parent.name != "__pycache__"
    }
    assert found == shared | GENERATED | {"README.md"}
