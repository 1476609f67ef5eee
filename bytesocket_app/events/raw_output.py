"""Serialization of a payload for MessagePack: the JSON-mode value with bytes left raw.

Pydantic's JSON mode writes bytes as text, and its Python mode leaves other types unconverted too.
So a changed copy of the type's schema writes bytes as marked text in JSON mode, which is then
converted back to bytes. Types that write their bytes as text, such as `Base64Bytes`, stay text, and
so do the keys of mappings, which are text in MessagePack too.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache, partial
from typing import Any, Final, cast
from weakref import WeakKeyDictionary

from pydantic import BaseModel, TypeAdapter
from pydantic_core import PydanticSerializationUnexpectedValue, core_schema

from bytesocket_app.events.anything import (
    ANYTHING,
    has_open_extras,
    is_bytes,
    is_serializer,
    may_hold_bytes,
    returns_anything,
)
from bytesocket_app.events.core_schemas import (
    core,
    fields_of,
    is_dict,
    is_node,
    mapped,
    nodes,
    schema_serializer,
)
from bytesocket_app.events.raw import unmarked, with_mark
from bytesocket_app.events.serializing import is_not_in_binary

_OPAQUE: Final = frozenset({"default", "keys_schema", "metadata", "ref"})
_CONFIG: Final = core_schema.CoreConfig(ser_json_inf_nan="constants")
"""For NaN inside of `Any`, which MessagePack has."""
_DEEPEST: Final = 200
"""Levels inside of `Any` that are looked at; Pydantic itself refuses a value that is deeper."""
__warningregistry__: Any = ()
"""Makes a warning that is issued here an error; see `writing`."""
_PLAIN: Final = frozenset({type(None), bool, int, float, str})


def raw_serializer(schema: Any, **options: Any) -> Callable[[Any], Any] | None:
    """Return `serialize(value)` for a core schema.

    Args:
        schema: The schema.
        options: Further arguments of Pydantic's `to_python`.

    Returns:
        None if the installed Pydantic does not allow changed schemas.
    """
    return _RawSerializer(schema, options) if may_change() else None


def writes_otherwise_in_binary(schema: Any) -> bool:
    """Return True if a value of a core schema may differ from its JSON-mode value."""
    return may_hold_bytes(schema) or any(map(_is_dropped, nodes(schema)))


def _is_dropped(node: object) -> bool:
    return is_dict(node) and is_not_in_binary(node.get("function"))


@cache
def may_change() -> bool:
    """Return True if a changed schema is used: some Pydantics use a model's own serializer."""

    class OutputProbe(BaseModel):
        raw: bytes

    found: object = _RawSerializer(TypeAdapter(OutputProbe).core_schema, {})(
        OutputProbe(raw=b"\xff")
    )
    return found == {"raw": b"\xff"}


class _RawSerializer:
    """Serializer of one type.

    Attributes:
        last: Another object after each mark, so that a value without bytes is not searched for
            marks.
    """

    def __init__(self, schema: Any, options: Mapping[str, Any]) -> None:
        self.last = object()
        self._options: dict[str, Any] = {"mode": "json", "by_alias": True, **options}
        self._inner: WeakKeyDictionary[type[Any], _RawSerializer | None] = WeakKeyDictionary()
        self._serializer = schema_serializer(self._writing_marks(schema, {}), _CONFIG)

    def __call__(self, value: Any) -> Any:
        """Return the value as MessagePack carries it."""
        before = self.last
        made = self.with_marks(value)
        return made if self.last is before else unmarked(made)

    def with_marks(self, value: Any) -> Any:
        """Return the value with marked text in place of bytes."""
        return self._serializer.to_python(value, **self._options)

    def _writing_marks(self, schema: Any, config: Any) -> Any:
        if is_node(schema):
            config = schema.get("config") or config
        node = mapped(schema, partial(self._writing_marks, config=config), _OPAQUE)
        if not is_node(node):
            return node
        if _is_dropped(node.get("serialization")):
            del node["serialization"]
        if returns_anything(schema):
            return {**node, "return_schema": self._marking({"type": "any"}, {})}
        return self._marking(node, config)

    def _marking(self, node: dict[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
        """Add the functions that write bytes as marked text, where a node writes values itself."""
        write: core_schema.SerSchema
        if "serialization" in node or is_serializer(node):
            return node
        if node["type"] == "bytes":
            write = core_schema.plain_serializer_function_ser_schema(self._bytes)
        elif node["type"] in ANYTHING:
            write = core_schema.plain_serializer_function_ser_schema(self._anything)
        elif not has_open_extras(node, config):
            return node
        elif node["type"] == "model-fields":
            return {**node, "extras_schema": self._marking({"type": "any"}, {})}
        elif node["type"] == "typed-dict":
            write = self._open_dict(node)
        else:
            return node
        return {**node, "serialization": write}

    def _open_dict(self, node: Mapping[str, Any]) -> Any:
        known = frozenset(name for name, _ in fields_of(node))

        def write(value: Any, handler: Callable[[Any], Any]) -> Any:
            if is_dict(value):
                value = {k: v if k in known else self._anything(v) for k, v in value.items()}
            return handler(value)

        return core_schema.wrap_serializer_function_ser_schema(write, schema=core({**node}))

    def _bytes(self, value: object) -> str | None:
        if is_bytes(value):
            self.last = object()
            return with_mark(value)
        if value is None:  # a default, which `Kinds` lets pass
            return None
        # In a union, Pydantic goes on to the next choice.
        raise PydanticSerializationUnexpectedValue("these are no bytes")

    def _anything(self, value: Any, depth: int = 0) -> Any:
        if type(value) in _PLAIN or depth > _DEEPEST:
            return value
        if is_bytes(value):
            return self._bytes(value)
        if isinstance(value, dict):
            members = cast("dict[object, object]", value).items()
            return {key: self._anything(member, depth + 1) for key, member in members}
        if isinstance(value, list | tuple | set | frozenset | deque):
            return [self._anything(item, depth + 1) for item in cast("Iterable[object]", value)]
        return self._object(value, depth)

    def _object(self, value: Any, depth: int) -> Any:
        kind = cast("Any", type(value))
        if hasattr(kind, "__pydantic_serializer__"):
            inner = self._of(kind)
            if inner is None:
                return value
            before = inner.last
            made = inner.with_marks(value)
            if inner.last is not before:
                self.last = object()
            return made
        if is_dataclass(value):
            names = [field.name for field in fields(value)]
            return {name: self._anything(getattr(value, name), depth + 1) for name in names}
        return value

    def _of(self, kind: type[Any]) -> "_RawSerializer | None":
        """Return the serializer of a class inside of `Any`; None if it can hold no bytes."""
        if kind not in self._inner:
            schema = TypeAdapter(kind).core_schema
            options = {key: value for key, value in self._options.items() if key != "mode"}
            self._inner[kind] = _RawSerializer(schema, options) if may_hold_bytes(schema) else None
        return self._inner[kind]
