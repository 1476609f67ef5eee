"""Serialization of a payload for MessagePack: the JSON-mode value with bytes left raw.

Pydantic's JSON mode writes bytes as text, and its Python mode leaves other types unconverted too.
So a changed copy of the type's schema writes bytes as marked text in JSON mode, which is then
converted back to bytes. Types that write their bytes as text, such as `Base64Bytes`, stay text.
"""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, Final, cast

from pydantic import BaseModel, TypeAdapter
from pydantic_core import PydanticSerializationUnexpectedValue, SchemaSerializer, core_schema

from bytesocket_app.events.core_schemas import is_dict, is_list, is_node, is_tuple
from bytesocket_app.events.raw import marked, unmarked

_OPAQUE: Final = frozenset({"default", "metadata", "ref"})


def raw_serializer(schema: Any) -> Callable[[Any], Any] | None:
    """Return `serialize(value)` for a core schema.

    Returns:
        None if the installed Pydantic does not allow changed schemas.
    """
    return _serializer(schema) if _is_supported() else None


def _serializer(schema: Any) -> Callable[[Any], Any]:
    changed = _writing_marks(schema)
    try:
        # By default, the models inside would be written by their existing, unchanged serializers.
        serializer = SchemaSerializer(changed, _use_prebuilt=False)
    except TypeError:  # pragma: no cover - Pydantic 2.10 has neither the argument nor the habit
        serializer = SchemaSerializer(changed)
    return lambda value: unmarked(serializer.to_python(value, mode="json", by_alias=True))


@cache
def _is_supported() -> bool:
    """Return True if a changed schema is used: some Pydantics use a model's own serializer."""

    class OutputProbe(BaseModel):
        raw: bytes

    found: object = _serializer(TypeAdapter(OutputProbe).core_schema)(OutputProbe(raw=b"\xff"))
    return found == {"raw": b"\xff"}


def _writing_marks(schema: Any) -> Any:
    if is_list(schema):
        return [_writing_marks(item) for item in schema]
    if is_tuple(schema):
        return tuple(map(_writing_marks, schema))
    if not is_dict(schema):
        return schema
    opaque = _OPAQUE if is_node(schema) else ()  # a field may have any of these names
    node = {k: v if k in opaque else _writing_marks(v) for k, v in schema.items()}
    function = _FUNCTIONS.get(str(node.get("type")))
    if function is None or "serialization" in node:
        return node
    return {**node, "serialization": core_schema.plain_serializer_function_ser_schema(function)}


def _bytes(value: object) -> str:
    if isinstance(value, bytes | bytearray):
        return str(marked(bytes(value)))
    # In a union, Pydantic goes on to the next choice.
    raise PydanticSerializationUnexpectedValue("these are no bytes")


def _anything(value: object) -> Any:
    if isinstance(value, BaseModel):
        return _anything(value.model_dump(by_alias=True))
    if isinstance(value, dict):
        members = cast("dict[object, object]", value).items()
        return {key: _anything(member) for key, member in members}
    if isinstance(value, list | tuple | set | frozenset):
        return [_anything(item) for item in cast("Iterable[object]", value)]
    return marked(value)


_FUNCTIONS: Final[dict[str, Callable[[Any], Any]]] = {"bytes": _bytes, "any": _anything}
