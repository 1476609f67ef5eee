"""The README's reference of settings: `python -m tests.support.settings_reference` writes it.

It is made from the classes; the text of a setting is the docstring below its field.
"""

import ast
import re
from dataclasses import fields
from inspect import cleandoc, getdoc
from pathlib import Path
from typing import Any

from bytesocket_app import settings as module
from bytesocket_app.settings import Settings
from tests.support.server_process import ROOT

BEGIN, END = "<!-- settings: begin -->", "<!-- settings: end -->"


def reference() -> str:
    """Write the tables, one for each class."""
    defaults, preset = Settings(), Settings.drop_in()
    texts = _texts()
    parts = [_table(each.name, texts, defaults, preset) for each in fields(Settings)]
    return "\n\n".join(parts)


def inserted(page: str) -> str:
    """Return a page with the reference between its marks."""
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{reference()}\n{END}{tail}"


def _table(theme: str, texts: dict[str, dict[str, str]], defaults: Any, preset: Any) -> str:
    ours, theirs = getattr(defaults, theme), getattr(preset, theme)
    kind = str(ours.__class__.__name__)
    lines = [
        f"**`{kind}`**: {_sentence(getdoc(ours) or '')}",
        "",
        "| setting | default | `drop_in()` | what it does |",
        "|---|---|---|---|",
    ]
    for each in fields(ours):
        default, other = getattr(ours, each.name), getattr(theirs, each.name)
        changed = "" if default == other else f"`{_written(other)}`"
        text = texts[kind][each.name]
        lines.append(f"| `{each.name}` | `{_written(default)}` | {changed} | {text} |")
    return "\n".join(lines)


def _texts() -> dict[str, dict[str, str]]:
    """Read the text of each field of each class from the source."""
    tree = ast.parse(Path(module.__file__).read_text())
    classes = (node for node in tree.body if isinstance(node, ast.ClassDef))
    return {node.name: dict(_documented(node)) for node in classes if node.name != "Settings"}


def _documented(node: ast.ClassDef) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for field, text in zip(node.body, node.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            assert isinstance(text, ast.Expr), f"{field.target.id} has no docstring"
            assert isinstance(text.value, ast.Constant), field.target.id
            found.append((field.target.id, _sentence(str(text.value.value))))
    return found


def _sentence(text: str) -> str:
    """Return a docstring as one line that a table can hold."""
    return re.sub(r"\s+", " ", cleandoc(text)).replace("|", "\\|")


def _written(value: object) -> str:
    """Write a value as in Python, bytes and counts with separators."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 10_000:
        return f"{value:_}"
    return repr(value)


if __name__ == "__main__":
    readme = ROOT / "README.md"
    readme.write_text(inserted(readme.read_text()))
