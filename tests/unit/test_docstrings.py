"""A docstring begins with what a thing is or with what it does: a noun or an imperative."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("bytesocket_app", "cli/bytesocket_cli")
WRONG = frozenset({"Whether", "What", "Who", "Where", "When", "How", "Which", "Why", "Whose"}) | {
    "That",
    "If",
    "It",
    "They",
    "Its",
}


def wrong(module: str) -> Iterator[tuple[int, str]]:
    """Find the docstrings that begin with another word, with their first lines."""
    for node in ast.walk(ast.parse(module)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node) or ""
            word = re.search(r"\w+", text)
            if word is not None and word[0] in WRONG:
                yield node.body[0].lineno, text.splitlines()[0]


def found() -> dict[str, list[str]]:
    """Collect what is wrong, by the files that have something."""
    paths = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    texts = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in paths}
    lines = {
        name: [f"{name}:{line}: {first}" for line, first in wrong(text)]
        for name, text in texts.items()
    }
    return {name: said for name, said in lines.items() if said}


def test_docstrings_begin_with_a_noun_or_an_imperative() -> None:
    lines = [line for said in found().values() for line in said]
    assert not lines, "\n".join(lines)


@pytest.mark.parametrize(
    "module",
    [
        '"""Whether it is."""',
        'class A:\n    """It is."""',
        'class A:\n    async def f(self):\n        """\n        If it is.\n        """',
        'def f():\n    def g():\n        """`What` is."""',
    ],
)
def test_every_docstring_is_looked_at(module: str) -> None:
    assert len(list(wrong(module))) == 1


def test_a_word_that_only_begins_alike_is_right() -> None:
    assert not list(wrong('"""Items, and what they are."""\nx = """What."""'))
