"""Names and text of a contract, made safe for a target language.

A contract may hold any text: names are turned into identifiers, and text is escaped so that it
cannot end the literal or comment that it is put in.
"""

import json
import re
from collections.abc import Iterable

from bytesocket_cli.codegen.schema import is_list, is_object

_TYPESCRIPT_WORDS = """
any as async await bigint boolean break case catch class const continue debugger declare
default delete do else enum export extends false finally for function if implements import
in infer instanceof interface is keyof let module namespace never new null number object of
package private protected public readonly require return static string super switch symbol
this throw true try type typeof undefined unique unknown var void while with yield
"""
_TYPESCRIPT_GLOBALS = """
AbortSignal Array ArrayBuffer AsyncIterableIterator AsyncIterator BigInt Boolean Buffer
Capitalize DataView Date Error Event Exclude Extract Function Infinity Intl Iterable Iterator
JSON Map Math NaN NonNullable Number Object Omit Parameters Partial Pick Promise Proxy
RangeError Readonly ReadonlyArray ReadonlyMap Record Reflect RegExp Required ReturnType Set String
Symbol SymbolConstructor TextDecoder TextEncoder TypeError URL Uint8Array WeakMap WeakSet WebSocket
console globalThis
"""
TYPESCRIPT_RESERVED = frozenset([*_TYPESCRIPT_WORDS.split(), *_TYPESCRIPT_GLOBALS.split()])
"""Names that a generated type may not have: keywords, built-in types, and used global names."""

PROPERTY = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*\Z")
_EXPONENT_FROM = 1e21  # where JavaScript begins to write numbers with an exponent
_BRACKETS = re.compile(r"[\[<(]")
_WORD_BREAK = re.compile(r"[^\w]+")
_TAG = re.compile(r"^(\s*(?:[*/]\s*)*)@|(?<![\w`\\])@(?=\S)")
"""What would begin a tag: not the `@` in an address, nor at the start of a code span."""
_LINE_BREAK = re.compile(r"\r\n|[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]")


def identifier(name: str) -> str:
    """Turn a model's name into an identifier for TypeScript and Python.

    `Post` stays; `admin.User` becomes `AdminUser`, `Page[Cat]` becomes `PageOfCat`. Letters of any
    alphabet are kept.

    Args:
        name: A name of the contract's `types`.

    Returns:
        Identifier, not yet checked against reserved or other names.
    """
    if name.isidentifier():
        return name
    words = [word for word in _WORD_BREAK.split(_BRACKETS.sub(" Of ", name)) if word]
    capitalised = "".join(word[0].upper() + word[1:] for word in words)
    # Digits such as "²" are word characters, but stand in no identifier.
    joined = "".join(letter for letter in capitalised if f"_{letter}".isidentifier())
    return joined if joined.isidentifier() else f"Model{joined}"


def unique_identifiers(
    names: Iterable[str], reserved: Iterable[str], *, suffix: str = "Model"
) -> dict[str, str]:
    """Give every model a unique identifier that is not reserved.

    Names that are identifiers already come first, so no changed name takes theirs. Colliding names
    get `suffix`, as often as needed; never numbers, which would change when models are added.

    Args:
        names: All names of the contract's `types`.
        reserved: Identifiers that no model may have.
        suffix: Text to append to a colliding name.

    Returns:
        Mapping from contract name to identifier, in the order of the names.
    """
    taken = set(reserved)
    chosen: dict[str, str] = {}
    for name in sorted(names, key=lambda name: (identifier(name) != name, name)):
        candidate = identifier(name)
        while candidate in taken:
            candidate += suffix
        taken.add(candidate)
        chosen[name] = candidate
    return dict(sorted(chosen.items()))


def quoted(text: str) -> str:
    """Write text as a JavaScript string literal without invisible characters.

    Characters that are invisible, end a line, or change the direction of text are escaped.
    """
    return "".join(
        character if character.isprintable() else json.dumps(character)[1:-1]
        for character in json.dumps(text, ensure_ascii=False)
    )


def literal(value: object) -> str:
    """Write a JSON value as a JavaScript literal.

    Raises:
        TypeError: The value is no JSON value.
    """
    if isinstance(value, str):
        return quoted(value)
    if is_object(value):
        entries = ", ".join(f"{property_key(key)}: {literal(item)}" for key, item in value.items())
        return f"{{ {entries} }}" if entries else "{}"
    if is_list(value):
        return f"[{', '.join(literal(item) for item in value)}]"
    return json.dumps(value, allow_nan=False)


def property_key(name: str) -> str:
    """Write a property's name for an object or interface, quoted where necessary.

    `__proto__` is a computed key: any other sets the prototype in an object literal.
    """
    if name == "__proto__":
        return '["__proto__"]'
    return name if PROPERTY.match(name) else quoted(name)


def event_key(name: str | float) -> str:
    """Write an event's name as a property's name; numbers stay numbers (protocol.md section 2)."""
    if isinstance(name, str):
        return property_key(name)
    return f"[{number(name)}]" if name < 0 else number(name)


def event_literal(name: str | float) -> str:
    """Write an event's name as a literal or a literal type."""
    return quoted(name) if isinstance(name, str) else number(name)


def number(value: float) -> str:
    """Write a number as JavaScript does: a whole number has no fraction."""
    whole = float(value).is_integer() and abs(value) < _EXPONENT_FROM
    return str(int(value)) if whole else repr(value)


def one_line(text: str) -> str:
    """Make text safe for a comment that ends at the end of its line."""
    text = _LINE_BREAK.sub(" ", text)
    return "".join(character for character in text if character.isprintable()).strip()


def doc_comment(text: str, indent: str = "", *, deprecated: str | bool = False) -> str:
    """Write a documentation comment, or nothing for an empty text.

    The text cannot end the comment (`*/`), give the compiler directives (`@ts-expect-error`),
    become a tag or a link (`@deprecated`, `{@link}`), or hide lines (U+2028).

    Args:
        text: Text of the comment; its lines are kept.
        indent: Indentation of each line.
        deprecated: Text of the tag `@deprecated`; True for the tag alone, False for no tag.

    Returns:
        Whole lines, each with its line feed.
    """
    lines = [_comment_line(line) for line in _LINE_BREAK.split(text.strip())]
    if deprecated is not False:
        said = "" if deprecated is True else _comment_line(" ".join(deprecated.split()))
        lines.append(f"@deprecated {said}".rstrip())
    lines = lines if lines[0] else lines[1:]
    if not lines:
        return ""
    if len(lines) == 1:
        return f"{indent}/** {lines[0]} */\n"
    body = "".join(f"{indent} * {line}".rstrip() + "\n" for line in lines)
    return f"{indent}/**\n{body}{indent} */\n"


def _comment_line(line: str) -> str:
    """Escape one line of a comment."""
    spaced = re.sub(r"[^\S ]", " ", line.rstrip())
    shown = "".join(character for character in spaced if character.isprintable())
    safe = shown.replace("*/", "*\\/").replace("@ts-", "@ ts-")
    return _TAG.sub(lambda found: f"{found[1] or ''}\\@", safe)
