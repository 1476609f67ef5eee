"""Serialization by the settings of each place, where Pydantic's own would be by those around it.

Pydantic validates a typed dict by the `__pydantic_config__` of the dict but writes it by the
settings of the model around it. And `ser_json_inf_nan="constants"` writes `NaN`, which is no JSON.
Where the values of an Enum are used, Pydantic takes those of a Literal of its members for wrong. A
changed copy of a type's schema writes what its contract says.
"""

import math
from collections.abc import Callable, Mapping
from datetime import date, time, timedelta
from enum import Enum
from functools import partial
from typing import Any, Final

from pydantic_core import PydanticSerializationUnexpectedValue, SchemaSerializer, core_schema

from bytesocket_app.events.core_schemas import NO_SCHEMAS, core, is_node, mapped, nodes
from bytesocket_app.events.serializing import not_in_binary, used_values

_SETTINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "bytes": ("ser_json_bytes",),
    "date": ("ser_json_temporal",),
    "datetime": ("ser_json_temporal",),
    "float": ("ser_json_inf_nan",),
    "time": ("ser_json_temporal",),
    "timedelta": ("ser_json_temporal", "ser_json_timedelta"),
}
_TYPES: Final[Mapping[str, type | tuple[type, ...]]] = {
    "bytes": (bytes, bytearray),
    "date": date,
    "datetime": date,
    "time": time,
    "timedelta": timedelta,
}
_WORDS: Final = {math.inf: "Infinity", -math.inf: "-Infinity"}

Config = Mapping[str, Any]


def placed_schema(schema: Any) -> Any:
    """Return a changed copy of a core schema; the schema itself if Pydantic writes it so."""
    return _placed(schema, {}, {}) if any(map(_differs, nodes(schema))) else schema


def _differs(node: Mapping[str, Any]) -> bool:
    config: Config = node.get("config") or {}
    if config.get("ser_json_inf_nan") == "constants":
        return True
    if "serialization" not in node and used_values(node) is not None:
        return True
    return node["type"] == "typed-dict" and any(str(key).startswith("ser_json") for key in config)


def _placed(schema: Any, around: Config, own: Config) -> Any:
    """Copy a schema.

    Args:
        schema: The schema.
        around: Settings by which Pydantic would write it.
        own: Settings by which it is to be written.
    """
    if is_node(schema):
        own = schema.get("config") or own
        around = around if schema["type"] == "typed-dict" else (schema.get("config") or around)
    node = mapped(schema, partial(_placed, around=around, own=own), NO_SCHEMAS)
    if not is_node(node):
        return node
    if node["type"] == "tagged-union":
        return {**node, "choices": _by_value(node["choices"])}
    write = None if "serialization" in node else _serialization(node, around, own)
    return node if write is None else {**node, "serialization": write}


def _serialization(node: dict[str, Any], around: Config, own: Config) -> Any:
    used = used_values(node)
    if used is not None:
        return core_schema.plain_serializer_function_ser_schema(_value_writer(used))
    settings = _SETTINGS.get(node["type"], ())
    if not _changed(settings, around, own):
        return None
    write = _float_writer(own) if node["type"] == "float" else _writer(node, settings, own)
    return core_schema.plain_serializer_function_ser_schema(write, when_used="json")


def _by_value(choices: dict[Any, Any]) -> dict[Any, Any]:
    """Return a union's choices by the values of their tags, too, where those are an Enum's."""
    values = {tag.value: one for tag, one in choices.items() if isinstance(tag, Enum)}
    return {**values, **choices}


def _value_writer(values: list[Any]) -> Callable[[Any], Any]:
    def write(value: object) -> Any:
        if value not in values:  # in a union, the next choice is tried
            raise PydanticSerializationUnexpectedValue("this is none of the values")
        return value.value if isinstance(value, Enum) else value

    return write


def _changed(settings: tuple[str, ...], around: Config, own: Config) -> bool:
    if "ser_json_inf_nan" in settings and own.get("ser_json_inf_nan") == "constants":
        return True
    return any(around.get(key) != own.get(key) for key in settings)


def _writer(node: dict[str, Any], settings: tuple[str, ...], own: Config) -> Callable[[Any], Any]:
    config: Any = {key: own[key] for key in settings if key in own}
    leaf = {key: value for key, value in node.items() if key != "ref"}
    serializer = SchemaSerializer(core(leaf), config)
    kind = _TYPES[node["type"]]

    def write(value: object) -> Any:
        if value is None:  # a default, which `Kinds` lets pass
            return None
        if not isinstance(value, kind):  # in a union, Pydantic goes on to the next choice
            raise PydanticSerializationUnexpectedValue(f"this is no {node['type']}")
        return serializer.to_python(value, mode="json")

    return not_in_binary(write) if node["type"] == "bytes" else write


def _float_writer(own: Config) -> Callable[[Any], Any]:
    if own.get("ser_json_inf_nan") in {"strings", "constants"}:
        return word_or_number

    @not_in_binary
    def write(value: object) -> object:
        return value if value is not None and math.isfinite(_number(value)) else None

    return write


@not_in_binary
def word_or_number(value: object) -> object:
    """Return a number as JSON has it: NaN and the infinities are words."""
    if value is None:  # a default, which `Kinds` lets pass
        return None
    number = _number(value)
    return value if math.isfinite(number) else _WORDS.get(number, "NaN")


def _number(value: object) -> float:
    if isinstance(value, int | float):
        return value
    raise PydanticSerializationUnexpectedValue("this is no number")  # in a union, the next is tried
