"""Enums as constants."""

from typing import Any

from bytesocket_cli.codegen.typescript import javascript, typescript
from bytesocket_cli.codegen.typescript_enums import enum_types, enum_values
from tests.support import contracts

TYPES: dict[str, Any] = {
    "app.Priority": {"enum": [2, 1], "type": "integer", "x-enum-names": ["high", "low-ish"]},
    "Access": {"type": "integer", "x-flags": {"read": 1, "write": 2}},
    "Literal": {"enum": [1, 2]},
    "Post": {"type": "object", "properties": {}},
}
NAMES = {"app.Priority": "Priority", "Access": "Access", "Literal": "Literal", "Post": "Post"}


def test_members_of_enums_and_flags_are_constants_with_types_of_one_value() -> None:
    assert enum_types(TYPES, NAMES) == (
        "export const Access: { readonly read: 1; readonly write: 2 };\n"
        'export const Priority: { readonly high: 2; readonly "low-ish": 1 };\n'
    )
    assert enum_values(TYPES, NAMES, typed=False) == (
        "export const Access = { read: 1, write: 2 };\n"
        'export const Priority = { high: 2, "low-ish": 1 };\n'
    )
    assert enum_values(TYPES, NAMES, typed=True).startswith(
        "export const Access: { readonly read: 1; readonly write: 2 } = { read: 1, write: 2 };\n"
    )


def test_a_contract_without_enums_has_no_constants() -> None:
    assert enum_types({"Post": TYPES["Post"]}, NAMES) == ""


def test_both_languages_export_them() -> None:
    module, types = javascript(contracts.nasty())
    assert "export const connectModel = {" in module
    assert "export const connectModel: {" in types
    assert "export const connectModel: {" in typescript(contracts.nasty())
