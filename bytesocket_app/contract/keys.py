"""Keys of mappings, which are text on the wire for any Python type."""

from collections.abc import Callable
from typing import Any, cast

from bytesocket_app.contract.shape import Schema

_PLAIN = {"type", "title", "minLength", "maxLength", "pattern"}


class KeyProblem(Exception):
    """Type of a key that JSON cannot return unchanged; the generator raises a NoSchema for it."""


def key_hints(mapping: Schema, key: Schema, resolve: Callable[[Schema], Schema]) -> Schema:
    """Return a mapping's schema with its key's type as `x-key` and a fixed set of keys as text.

    Args:
        mapping: The schema Pydantic wrote.
        key: The schema of the key's type.
        resolve: Function that follows references.

    Raises:
        KeyProblem: The key is a tuple, None, an object or bytes.
    """
    for form in _forms(key, resolve):
        _check(form)
    if set(key) <= _PLAIN and key.get("type") == "string":
        return mapping
    if not key:
        return mapping
    result = mapping | {"x-key": {name: value for name, value in key.items() if name != "title"}}
    values = _values(resolve(key))
    if values is not None:
        result["propertyNames"] = {"enum": [_text(value) for value in values]}
    return result


def _forms(key: Schema, resolve: Callable[[Schema], Schema]) -> list[Schema]:
    found = resolve(key)
    for union in ("anyOf", "oneOf"):
        if union in found:
            members = cast("list[Schema]", found[union])
            return [form for member in members for form in _forms(member, resolve)]
    return [found]


def _check(form: Schema) -> None:
    kind = form.get("type")
    if kind in {"array", "object", "null"} or form.get("format") == "binary":
        word = {"array": "a tuple", "object": "an object", "null": "None"}.get(str(kind), "bytes")
        raise KeyProblem(
            f"the mapping's key is {word}, which JSON cannot carry as a key and give back; use a "
            "key of text or numbers, or a list of pairs"
        )
    for value in _values(form) or ():
        if value is None or isinstance(value, list | dict):
            raise KeyProblem(
                f"the mapping's key may be {value!r}, which JSON cannot carry as a key; leave that "
                "member out of the key's type"
            )


def _values(form: Schema) -> list[Any] | None:
    if "const" in form:
        return [form["const"]]
    return cast("list[Any] | None", form.get("enum"))


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
