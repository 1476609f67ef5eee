"""Schemas of a contract in AsyncAPI's dialect, and keys in the form that it allows.

The contract uses JSON Schema 2020-12; AsyncAPI's own schemas are a superset of draft-07, and its
parser reads no other without a plug-in.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

from bytesocket_cli.codegen.schema import Schema, fields, is_list, is_object, open_kinds, ref_name

Made: TypeAlias = dict[str, Any]
"""Part of the document that is being written."""

SCHEMAS: Final = "#/components/schemas/"

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_.]")
_HASH_SHOWN: Final = 8
_LISTS: Final = frozenset({"allOf", "anyOf", "oneOf"})
_UNSPEAKABLE: Final = frozenset({"$ref", "__proto__", "hasOwnProperty"})
"""Field names that tools, including the official parser, misread as a key of `properties`."""

_NOT_FINITE: Final = ("NaN", "Infinity", "-Infinity")
_SINGLES: Final = frozenset({"additionalProperties", "contains", "not", "propertyNames", "x-key"})
_LATER: Final = frozenset(
    {"contentSchema", "minContains", "maxContains", "unevaluatedItems", "unevaluatedProperties"}
)
"""Keywords that draft-07 does not have."""


def safe_keys(names: Iterable[str | float]) -> dict[str | float, str]:
    """Give each name a key of ASCII letters, digits, dots and underscores.

    No key contains a dash, so keys can be joined by dashes without ambiguity. All names that would
    share a key get a part of their hash, so a name that is added later changes no such key.

    Args:
        names: Names of one kind. `"7"` and `7` are different names.

    Returns:
        Mapping from name to key; a number is looked up as the number.
    """
    plain = {name: _UNSAFE.sub(".", str(name)) or "_" for name in names}
    shared = Counter(plain.values())
    return {
        name: key if shared[key] == 1 else f"{key}_{_digest(name)}" for name, key in plain.items()
    }


def _digest(name: str | float) -> str:
    return hashlib.sha256(json.dumps(name).encode()).hexdigest()[:_HASH_SHOWN]


class SchemaWriter:
    """Writer of one contract's schemas.

    Args:
        types: The contract's `types`.
        keys: Mapping from the name of each type to its key in `components.schemas`.
    """

    def __init__(self, types: Mapping[str, Schema], keys: Mapping[str | float, str]) -> None:
        self._types = types
        self._keys = keys

    def schema(self, schema: Schema | bool) -> Any:  # noqa: FBT001 - a schema may be a boolean
        """Write a schema in AsyncAPI's dialect.

        A reference that has keywords beside it becomes a part of an `allOf`: draft-07 ignores
        keywords beside a `$ref`.
        """
        if isinstance(schema, bool):
            return schema
        others: list[Made] = [{"type": kind} for kind in open_kinds(schema, self._types)]
        if "x-inf-nan" in schema:
            others.append({"enum": list(_NOT_FINITE)})
        made = self._closed(schema)
        return {"anyOf": [made, *others]} if others else made

    def _closed(self, schema: Schema) -> Made:
        """Write a schema without the values that only its `x-` hints allow."""
        name = ref_name(schema)
        made = self._keywords({k: v for k, v in schema.items() if name is None or k != "$ref"})
        if name is None:
            return made
        reference = {"$ref": SCHEMAS + self._keys[name]}
        return {"allOf": [reference, *made.pop("allOf", ())], **made} if made else reference

    def _keywords(self, schema: Schema) -> Made:
        made: Made = {}
        for keyword, value in schema.items():
            if keyword in _LATER or keyword == "x-order":
                continue
            if keyword == "properties":
                self._properties(fields(schema), made)
            elif keyword == "patternProperties":
                made.setdefault(keyword, {}).update(self._named(value))
            elif keyword in _LISTS and is_list(value):
                made[keyword] = [self.schema(item) for item in value]
            elif keyword in _SINGLES:
                made[keyword] = self.schema(value)
            elif keyword == "discriminator" and is_object(value):
                made[keyword] = value["propertyName"]
            else:
                made[keyword] = value
        self._items(schema, made)
        return made

    def _properties(self, declared: Mapping[str, Schema], made: Made) -> None:
        """Write fields in the model's order, for human readers."""
        plain = {name: one for name, one in declared.items() if name not in _UNSPEAKABLE}
        made["properties"] = self._named(plain)
        if len(plain) < len(declared):
            rest = {
                f"^{re.escape(name)}$": declared[name] for name in declared if name not in plain
            }
            made.setdefault("patternProperties", {}).update(self._named(rest))

    def _named(self, schemas: Mapping[str, Schema]) -> Made:
        return {name: self.schema(schema) for name, schema in schemas.items()}

    def _items(self, schema: Schema, made: Made) -> None:
        """Write the items of an array; a tuple's items are a list in draft-07."""
        prefix = made.pop("prefixItems", None)
        if prefix:
            made["items"] = [self.schema(item) for item in prefix]
            made["additionalItems"] = self.schema(schema.get("items", True))
        elif "items" in schema:
            made["items"] = self.schema(schema["items"])
