"""Constants for the members of Python's enums: `Priority.high` reads better than `2`.

Types of enums are unions of their values; the constants give the values their names.
"""

from collections.abc import Mapping
from typing import Any

from bytesocket_cli.codegen.names import literal, property_key
from bytesocket_cli.codegen.schema import Schema
from bytesocket_cli.codegen.typescript_types import literal_type


def enum_types(types: Mapping[str, Schema], names: Mapping[str, str]) -> str:
    """Declare the constants of all enums, as a `.d.ts` file does.

    Args:
        types: The contract's `types`.
        names: Mapping from the contract name of each type to its TypeScript identifier.

    Returns:
        One statement for each enum, sorted by name; an empty text if there are none.
    """
    return "".join(
        f"export const {name}: {literal_type_of(members)};\n"
        for name, members in _enums(types, names)
    )


def enum_values(types: Mapping[str, Schema], names: Mapping[str, str], *, typed: bool) -> str:
    """Define the constants of all enums, with or without their types."""
    return "".join(
        f"export const {name}{f': {literal_type_of(members)}' if typed else ''} = "
        f"{literal(members)};\n"
        for name, members in _enums(types, names)
    )


def literal_type_of(members: Mapping[str, Any]) -> str:
    """Write the type of a constant: each member is readonly and has one value."""
    entries = "; ".join(
        f"readonly {property_key(name)}: {literal_type(value)}" for name, value in members.items()
    )
    return f"{{ {entries} }}"


def _enums(
    types: Mapping[str, Schema], names: Mapping[str, str]
) -> list[tuple[str, Mapping[str, Any]]]:
    """Find the enums and flags among the types: identifier, and value by member."""
    found = [(names[name], _members(schema)) for name, schema in types.items()]
    return sorted((name, members) for name, members in found if members)


def _members(schema: Schema) -> Mapping[str, Any]:
    if "x-flags" in schema:
        return dict(schema["x-flags"])
    return dict(zip(schema.get("x-enum-names", ()), schema.get("enum", ()), strict=False))
