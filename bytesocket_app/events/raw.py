"""Validation in Pydantic's JSON mode of values that hold raw bytes, as MessagePack does.

A strict model, or a union of text with a type that is written as text, has to be read in JSON mode:
only there does `"2020-01-01T00:00:00Z"` count as a date. JSON cannot hold raw bytes, so they are
converted to marked text, which a changed copy of the type's schema converts back.
"""

from collections.abc import Callable, Mapping
from functools import cache, partial, wraps
from secrets import randbits
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter
from pydantic_core import core_schema, to_json

from bytesocket_app.events.anything import has_open_extras
from bytesocket_app.events.core_schemas import (
    BY_NAME,
    OPAQUE,
    core,
    is_dict,
    is_list,
    is_node,
    is_tuple,
    mapped,
    schema_validator,
)
from bytesocket_app.events.serializing import is_not_in_binary

_MARK: Final = f"\x00{randbits(64)}:"
"""Prefix of text that stands for bytes; random per process, so that no peer can send it. A schema
that strips text, or changes its case, leaves it as it is."""

_CUSTOM: Final = ("function-before", "function-wrap", "function-plain")


def json_validator(schema: Any) -> Callable[[Any], Any] | None:
    """Return `validate(decoded)` for a core schema, in JSON mode with raw bytes.

    Returns:
        None if that is not possible: a user's validator would see the marked text, or the installed
        Pydantic does not allow changed schemas.
    """
    if custom_before_bytes(schema) or not _is_supported():
        return None
    validate = schema_validator(_reading_marks(schema, {})).validate_json
    return lambda decoded: validate(to_json(marked(decoded)))


@cache
def _is_supported() -> bool:
    """Return True if a changed schema is used: some Pydantics use a model's own validator."""

    class InputProbe(BaseModel):
        raw: bytes

    validate = schema_validator(
        _reading_marks(TypeAdapter(InputProbe).core_schema, {})
    ).validate_json
    found: bytes = validate(to_json(marked({"raw": b"\xff"}))).raw
    return found == b"\xff"


def marked(value: Any) -> Any:
    """Convert bytes to marked text, in dicts and lists too."""
    if isinstance(value, bytes):
        return with_mark(value)
    if is_dict(value):
        return {key: marked(item) for key, item in value.items()}
    if is_list(value):
        return [marked(item) for item in value]
    return value


def with_mark(value: bytes | bytearray) -> str:
    """Convert bytes to marked text."""
    return _MARK + value.decode("latin-1")


def unmarked(value: Any) -> Any:
    """Convert marked text back to bytes, in dicts and lists too."""
    if _kind_of(value) == "bytes":
        return value[len(_MARK) :].encode("latin-1")
    if is_dict(value):
        return {key: unmarked(item) for key, item in value.items()}
    if is_list(value):
        return [unmarked(item) for item in value]
    return value


def _kind_of(value: Any) -> str:
    return "bytes" if isinstance(value, str) and value.startswith(_MARK) else "text"


def _as_text(value: Any) -> Any:
    if _kind_of(value) == "bytes":
        raise ValueError("bytes are no text")
    return value


def _reading_marks(schema: Any, config: Any) -> Any:
    if is_node(schema):
        config = schema.get("config") or config
    node = mapped(schema, partial(_reading_marks, config=config))
    if not is_node(node):
        return node
    if node["type"] == "union":
        node["choices"] = list(map(_named, schema["choices"], node["choices"]))
    return _reading_node(node, config)


def _named(own: Any, copy: Any) -> Any:
    """Return a union's choice with the name that problems have for text, whatever looks at it."""
    is_text = is_dict(own) and own.get("type") == "str"
    return (copy, schema_validator(own).title) if is_text else copy


def _reading_node(node: dict[str, Any], config: Any) -> Any:
    """Let one part of a schema, whose own parts do so already, read marked text."""
    kind = node["type"]
    if kind in _CUSTOM:
        return {**node, "function": _given_bytes(node["function"])}
    if kind in BY_NAME and has_open_extras(node, config):
        return _around(core_schema.no_info_after_validator_function, _read_extras, node)
    if kind == "bytes":
        # Text without the mark is read as JSON mode always reads it, also within a union.
        ref = node.pop("ref", None)
        raw = core_schema.no_info_before_validator_function(unmarked, core(node))
        choices = {"bytes": raw, "text": core(node)}
        return core_schema.tagged_union_schema(choices, _kind_of, ref=ref)
    if kind == "str":
        # Looked at afterwards: a function in front would make text a better match in a union.
        return _around(core_schema.no_info_after_validator_function, _as_text, node)
    if kind == "any":
        return _around(core_schema.no_info_after_validator_function, unmarked, node)
    return node


def _around(make: Callable[..., Any], function: Callable[[Any], Any], node: dict[str, Any]) -> Any:
    """Put a function in front of a node or behind it, under the node's name."""
    ref = node.pop("ref", None)
    return make(function, core(node), ref=ref)


def _given_bytes(function: Mapping[str, Any]) -> dict[str, Any]:
    """Return a validator that gets bytes where there is marked text.

    One that reads text as bytes refuses text, which a union may have another choice for.
    """
    inner: Callable[..., Any] = function["function"]
    takes_text = not is_not_in_binary(inner)

    @wraps(inner)
    def call(value: Any, *more: Any) -> Any:
        given = unmarked(value)
        if isinstance(given, str) and not takes_text:
            raise ValueError("this is text, and MessagePack has bytes")
        return inner(given, *more)

    return {**function, "function": call}


def _read_extras(made: Any) -> Any:
    """Convert marked text in the extra members of what a model, or a typed dict, is made of."""
    if is_tuple(made):
        return tuple(unmarked(part) for part in made)
    return unmarked(made)


def custom_before_bytes(schema: Any, *, inside: bool = False) -> bool:
    """Return True if a user's validator gets the input before a bytes schema does."""
    if is_list(schema) or is_tuple(schema):
        return any(custom_before_bytes(item, inside=inside) for item in schema)
    if not is_dict(schema):
        return False
    kind = schema.get("type")
    if inside and kind == "bytes":
        return True
    inside = inside or kind in _CUSTOM
    opaque = OPAQUE if is_node(schema) else ()
    inner = [value for key, value in schema.items() if key not in opaque]
    return custom_before_bytes(inner, inside=inside)
