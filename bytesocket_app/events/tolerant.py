"""Writing of values that are another kind in Python and none on the wire.

A tuple in place of a list and an int in place of a Decimal are written as what is declared.
Pydantic warns of them, so that they are written by a changed copy of the type's schema.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Final, cast

from pydantic_core import PydanticSerializationUnexpectedValue, core_schema

from bytesocket_app.events.core_schemas import is_dict, is_list, is_node, is_tuple

_OPAQUE: Final = frozenset({"default", "metadata", "ref"})


def tolerant(schema: Any) -> Any:
    """Return a schema that also writes what is another kind in Python and none on the wire."""
    if is_list(schema):
        return [tolerant(item) for item in schema]
    if is_tuple(schema):
        return tuple(map(tolerant, schema))
    if not is_dict(schema):
        return schema
    opaque = _OPAQUE if is_node(schema) else ()  # a field may have any of these names
    node = {key: value if key in opaque else tolerant(value) for key, value in schema.items()}
    written = None if "serialization" in node else _serialization(str(node.get("type")))
    return node if written is None else {**node, "serialization": written}


def _serialization(kind: str) -> Any:
    if kind == "decimal":
        return core_schema.plain_serializer_function_ser_schema(_decimal)
    function = _SAME.get(kind)
    return None if function is None else core_schema.wrap_serializer_function_ser_schema(function)


def _decimal(value: object) -> str:
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        return str(value)
    raise PydanticSerializationUnexpectedValue("this is no decimal")


def _as(kind: Callable[[Iterable[Any]], Any], *others: type) -> Callable[[Any, Any], Any]:
    """Return the wrap serializer that takes values of other classes as one of a class."""
    return lambda value, write: write(
        kind(cast("Iterable[Any]", value)) if isinstance(value, others) else value
    )


_SAME: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "list": _as(list, tuple),
    "tuple": _as(tuple, list),
    "set": _as(set, frozenset),
    "frozenset": _as(frozenset, set),
}
