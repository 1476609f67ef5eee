"""Names and text of a contract, made safe for Python source.

Python reads identifiers in their normal form NFKC: `x²` is none, `ﬁ` is `fi`, and `é` is one name
in either of its two spellings. All names here are in that form, so that names that differ here
differ in Python too.
"""

import keyword
import re
from collections.abc import Iterable
from unicodedata import normalize

from pydantic import BaseModel

from bytesocket_cli.codegen.names import identifier, one_line

_WORD_BREAK = re.compile(r"[\W_]+")
_PARAMETER = re.compile(r"\{[^{}]*\}")

BUILTINS = frozenset(
    ("bool", "bytes", "dict", "float", "int", "list", "object", "set", "str", "tuple", "type")
)
"""Built-in names that generated annotations and classes use."""

RESERVED = frozenset(keyword.kwlist) | BUILTINS | {"super", "CONTRACT", "RefusalCode"}
"""Names that no generated class may have."""

_MODEL_NAMES = frozenset(dir(BaseModel)) | {"model_config"}
_STR_AND_INT = frozenset(dir(str)) | frozenset(dir(int)) | {"name", "value", "mro"}


def normal(text: str) -> str:
    """Remove what can stand in no identifier, and return the rest as Python reads it."""
    kept = (letter for letter in normalize("NFKC", text) if f"_{letter}".isidentifier())
    return normalize("NFKC", "".join(kept))


def pascal(text: str) -> str:
    """Turn text into a part of a class name: `chat:post` and `chat post` become `ChatPost`."""
    words = _WORD_BREAK.split(normalize("NFKC", text))
    return normal("".join(word[0].upper() + word[1:] for word in words if word))


def class_name(text: str, suffix: str) -> str:
    """Make a class name of a title or an event's name; prefix it if it is no identifier."""
    name = pascal(text) + suffix
    return name if name.isidentifier() else f"The{name}"


def event_class_name(event: str | float) -> str:
    """Name the class of an event after it: `chat:post` is `ChatPost`, `7` is `Event7`."""
    name = class_name(event if isinstance(event, str) else f"Event{event}", "")
    return f"{name}Event" if name in RESERVED else name


def type_class_name(name: str) -> str:
    """Name the class of a type; names with an underscore in front are the module's own."""
    wanted = normal(identifier(name))
    if wanted.startswith("_") or not wanted.isidentifier():
        wanted = f"Model{wanted.lstrip('_')}"
    return f"{wanted}Model" if wanted in RESERVED else wanted


def room_class_name(pattern: str) -> str:
    """Name a room's class after the fixed words of its pattern: `doc:{doc_id}` is `DocRoom`."""
    return class_name(_PARAMETER.sub(" ", pattern), "Room")


def refusal_class_name(code: str) -> str:
    """Name a refusal's class after its code: `too_low` is `TooLowError`."""
    name = class_name(code, "")
    return name if name.endswith("Error") else f"{name}Error"


def field_names(names: Iterable[str], taken: Iterable[str]) -> dict[str, str]:
    """Choose a model attribute for each property: the same name where Python allows it.

    Properties that keep their names come first, so no changed name takes theirs.

    Args:
        names: Names of the properties on the wire.
        taken: Names that have another meaning in the class body.
    """
    return _chosen(names, "field", {*taken, *_MODEL_NAMES})


def member_names(names: Iterable[str]) -> dict[str, str]:
    """Choose an enum member for each contract name, without hiding `str` and `int` methods."""
    return _chosen(names, "member", _STR_AND_INT)


def _chosen(names: Iterable[str], kind: str, taken: Iterable[str]) -> dict[str, str]:
    """Choose names for what is inside of a class, none of them private or in `taken`."""
    chosen = {name: _plain(name, kind) for name in names}
    used = {*taken, *keyword.kwlist}
    for name in sorted(chosen, key=lambda name: chosen[name] != name):
        while chosen[name] in used:
            chosen[name] += "_"
        used.add(chosen[name])
    return chosen


def _plain(name: str, kind: str) -> str:
    words = normal(re.sub(r"\W", "_", normalize("NFKC", name))).lstrip("_")
    if not words:
        return kind
    return words if words.isidentifier() else f"{kind}_{words}"


def literal(value: object) -> str:
    """Write text, a number, a bool or None as a Python literal with double quotes."""
    if not isinstance(value, str):
        return repr(value)
    escaped = "".join(_escaped(character) for character in value)
    return f'"{escaped}"'


def as_text(annotation: str) -> str:
    """Quote an annotation, so that it may name what is declared later."""
    return f'"{annotation}"' if '"' not in annotation else repr(annotation)


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
