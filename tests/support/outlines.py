"""The structure of programs, to be compared: which names and strings they hold may differ."""

import ast
from collections.abc import Iterator, Sequence
from typing import cast

Token = Sequence[str]
"""A kind and a text."""


def python_outline(text: str) -> list[Token]:
    """List a Python program's syntax tree in order, as (kind, text); documentation is left out."""
    return list(_python(ast.parse(text)))


def _python(node: ast.AST) -> Iterator[Token]:
    yield type(node).__name__, ""
    for name, value in ast.iter_fields(node):
        values = cast("list[object]", value if isinstance(value, list) else [value])
        for one in values:
            if isinstance(one, ast.AST):
                if not _is_documentation(one):
                    yield from _python(one)
            elif isinstance(one, str):
                yield ("string" if isinstance(node, ast.Constant) else "name"), one
            elif one is not None:
                yield "value", f"{name} {one!r}"
    yield "end", ""


def _is_documentation(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def differences(first: Sequence[Token], second: Sequence[Token], *, renamed: bool) -> list[str]:
    """Say how two outlines differ, beyond other strings in the same places.

    Args:
        first: One program.
        second: The other.
        renamed: Whether names may be others too, as where they are made of strings.
    """
    if len(first) != len(second):
        return [f"{len(first)} and {len(second)} parts"]
    there: dict[str, str] = {}
    back: dict[str, str] = {}
    found: list[str] = []
    free = {"string", "name"} if renamed else {"string"}
    for one, other in zip(first, second, strict=True):
        if one[0] != other[0] or (one != other and one[0] not in free):
            return [*found, f"{one} is {other}"]
        if one[0] != "string":
            continue
        if there.setdefault(one[1], other[1]) != other[1]:
            found.append(f"{one} is {other}, and is {there[one[1]]!r} elsewhere")
        elif back.setdefault(other[1], one[1]) != one[1]:
            found.append(f"{one} and {back[other[1]]!r} are {other}")
    return found


def strings(outline: Sequence[Token]) -> set[str]:
    """Return the strings in a program."""
    return {text for kind, text in outline if kind == "string"}
