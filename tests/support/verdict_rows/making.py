"""How rows of the table of verdicts are made: models by their fields, enums by their members."""

from enum import StrEnum
from typing import Any, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    create_model,
)

Levels = dict[str, str]
"""What is found, as `{code: level}`."""

Table = dict[str, tuple[Any, Any, Levels, Levels]]
"""By what changes: old type, new type, what is found in c2s, what is found in s2c."""

SAFE: Levels = {}
"""Nothing is found at all."""

RENAMED = {"TYPE_RENAMED": "source"}
"""Beside the change, the type got another name: not every type here can be made twice."""

INT = (int, ...)


def one(annotation: Any, default: Any = ..., **config: Any) -> type[BaseModel]:
    """A model `Item` with one field `value` of a type."""
    return fields(cast("ConfigDict", config), value=(annotation, default))


def fields(config: ConfigDict | None = None, /, **given: Any) -> type[BaseModel]:
    """A model `Item` with these fields."""
    return create_model("Item", __config__=config, **given)


def named(name: str, **given: Any) -> type[BaseModel]:
    """A model of another name."""
    return create_model(name, **given)


def enum(name: str, **members: Any) -> Any:
    """An enum of texts."""
    return StrEnum(name, members)
