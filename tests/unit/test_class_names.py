"""A class has a name of its own: where one is read of, there is one place to look."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("bytesocket_app", "cli/bytesocket_cli", "templates")
"""A project's own classes, in templates that end in `.py.j2`, may be called what they like."""


def classes(module: str) -> Iterator[tuple[str, int]]:
    """Find each class with its line, those in functions and in classes too."""
    for node in ast.walk(ast.parse(module)):
        if isinstance(node, ast.ClassDef):
            yield node.name, node.lineno


def shared(modules: Iterable[tuple[str, str]]) -> list[str]:
    """Name the places of each class that is not the only one of its name."""
    places: dict[str, list[str]] = {}
    for path, text in modules:
        for name, line in classes(text):
            places.setdefault(name, []).append(f"{path}:{line}")
    return [f"{name}: {', '.join(at)}" for name, at in sorted(places.items()) if len(at) > 1]


def test_no_two_classes_share_a_name() -> None:
    paths = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    assert {path.relative_to(ROOT).parts[0] for path in paths} == {
        "bytesocket_app",
        "cli",
        "templates",
    }
    found = shared((str(path.relative_to(ROOT)), path.read_text("utf-8")) for path in paths)
    assert not found, "\n".join(found)


def test_both_places_are_named_however_deep_they_are() -> None:
    nested = "def make():\n    class A:\n        class B: ...\n    return A\n"
    assert shared([("a.py", "class A: ...\n"), ("b.py", nested), ("c.py", "class C: ...\n")]) == [
        "A: a.py:1, b.py:2"
    ]
