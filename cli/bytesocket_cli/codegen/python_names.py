"""Names and text of a contract, made safe for Python source."""

import keyword
import re
from collections.abc import Iterable

from pydantic import BaseModel

from bytesocket_cli.codegen.names import one_line

_WORD_BREAK = re.compile(r"[\W_]+")
_PARAMETER = re.compile(r"\{[^{}]*\}")

BUILTINS = frozenset(
    ("bool", "bytes", "dict", "float", "int", "list", "object", "set", "str", "tuple", "type")
)
"""Built-in names that generated annotations and classes use."""

RESERVED = frozenset(keyword.kwlist) | BUILTINS | {"super"}
"""Names that no generated class may have."""

_MODEL_NAMES = frozenset(dir(BaseModel)) | {"model_config"}
_STR_AND_INT = frozenset(dir(str)) | frozenset(dir(int)) | {"name", "value", "mro"}


def pascal(text: str) -> str:
    """Turn text into a part of a class name: `chat:post` and `chat post` become `ChatPost`."""
    return "".join(word[0].upper() + word[1:] for word in _WORD_BREAK.split(text) if word)


def class_name(text: str, suffix: str) -> str:
    """Make a class name of a title or an event's name; prefix it if it is no identifier."""
    name = pascal(text) + suffix
    return name if name.isidentifier() else f"The{name}"


def room_class_name(pattern: str) -> str:
    """Name a room's class after the fixed words of its pattern: `doc:{doc_id}` is `DocRoom`."""
    return class_name(_PARAMETER.sub(" ", pattern), "Room")


def free_name(wanted: str, taken: Iterable[str], suffix: str) -> str:
    """Append `suffix` until the name is not taken."""
    used = set(taken)
    while wanted in used:
        wanted += suffix
    return wanted


def field_name(name: str, taken: Iterable[str]) -> str:
    """Make a model attribute of a property's name: the same name where Python allows it.

    Args:
        name: Name of the property on the wire.
        taken: Names that are used already, or have another meaning in the class body.
    """
    candidate = name if name.isidentifier() else re.sub(r"\W", "_", name)
    candidate = candidate.lstrip("_") or "field"
    if not candidate.isidentifier():
        candidate = f"field_{candidate}"
    used = set(taken)
    while keyword.iskeyword(candidate) or candidate in _MODEL_NAMES or candidate in used:
        candidate += "_"
    return candidate


def member_name(name: str, taken: Iterable[str]) -> str:
    """Make an enum member's name of its contract name, without hiding `str` and `int` methods."""
    candidate = re.sub(r"\W", "_", name).strip("_") or "member"
    if not candidate.isidentifier():
        candidate = f"member_{candidate}"
    used = set(taken)
    while keyword.iskeyword(candidate) or candidate in _STR_AND_INT or candidate in used:
        candidate += "_"
    return candidate


def literal(value: object) -> str:
    """Write text, a number, a bool or None as a Python literal with double quotes."""
    if not isinstance(value, str):
        return repr(value)
    escaped = "".join(_escaped(character) for character in value)
    return f'"{escaped}"'


def _escaped(character: str) -> str:
    if character in {'"', "\\"}:
        return f"\\{character}"
    if character.isprintable():
        return character
    return repr(character)[1:-1]


def docstring(text: str, indent: str) -> list[str]:
    """Write the lines of a docstring, escaped so that the text cannot end it.

    Args:
        text: Any text; an empty one gives no lines.
        indent: Indentation of each line.
    """
    lines = [_doc_line(line) for line in text.strip().splitlines()]
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        return []
    if len(lines) == 1:
        closing = ' """' if lines[0].endswith('"') else '"""'
        return [f'{indent}"""{lines[0]}{closing}']
    body = [f"{indent}{line}".rstrip() for line in lines[1:]]
    return [f'{indent}"""{lines[0]}', *body, f'{indent}"""']


def _doc_line(line: str) -> str:
    shown = "".join(character for character in line if character.isprintable()).rstrip()
    return shown.replace("\\", "\\\\").replace('"""', "'''")


def comment(text: str) -> str:
    """Write a comment of one line."""
    return f"# {one_line(text)}"
