"""Writing of values that are another kind in Python and none on the wire.

A tuple in place of a list and an int in place of a Decimal are written as what is declared.
Pydantic warns of them, so that they are written by a changed copy of the type's schema.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Final, cast

from pydantic_core import PydanticSerializationUnexpectedValue, core_schema

from bytesocket_app.events.core_schemas import ARRAYS, NO_SCHEMAS, is_node, mapped

__warningregistry__: Any = ()
"""Makes a warning that is issued here an error; see `writing`."""


def tolerant(schema: Any) -> Any:
    """Return a schema that also writes what is another kind in Python and none on the wire."""
    copy = mapped(schema, tolerant, NO_SCHEMAS)
    if not is_node(copy) or "serialization" in copy:
        return copy
    written = _serialization(copy["type"])
    return copy if written is None else {**copy, "serialization": written}


def _serialization(kind: str) -> Any:
    if kind == "decimal":
        return core_schema.plain_serializer_function_ser_schema(_decimal)
    function = _SAME.get(kind)
    return None if function is None else core_schema.wrap_serializer_function_ser_schema(function)


def _decimal(value: object) -> str:
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        return str(value)
    raise PydanticSerializationUnexpectedValue("this is no decimal")


def _float(value: Any, write: Callable[[Any], Any]) -> Any:
    return write(float(value) if isinstance(value, Decimal) else value)


def _as(kind: Callable[[Iterable[Any]], Any], *others: type) -> Callable[[Any, Any], Any]:
    """Return the wrap serializer that takes values of other classes as one of a class."""
    return lambda value, write: write(
        kind(cast("Iterable[Any]", value)) if isinstance(value, others) else value
    )


_SAME: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "float": _float,
    **{kind: _as(own, *others) for kind, (own, *others) in ARRAYS.items()},
}
