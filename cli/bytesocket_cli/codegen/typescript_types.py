"""TypeScript types for JSON Schemas.

Keywords that no static type can express (lengths, bounds, patterns) are left to the server.
"""

from collections.abc import Mapping, Sequence

from bytesocket_cli.codegen.names import doc_comment, literal, property_key, quoted
from bytesocket_cli.codegen.schema import (
    Schema,
    deprecation,
    fields,
    is_bytes,
    is_list,
    is_object,
    leaves,
    open_kinds,
    ref_name,
    resolved,
)

_UNIONS = ("oneOf", "anyOf")
_NOT_FINITE = ("Infinity", "-Infinity", "NaN")
EMPTY = "Record<string, never>"
_SCALARS = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}


class TypeWriter:
    """Writer of one contract's types.

    Args:
        types: The contract's `types`.
        names: Mapping from the contract name of each type to its TypeScript identifier.
    """

    def __init__(self, types: Mapping[str, Schema], names: Mapping[str, str]) -> None:
        self._types = types
        self._names = names

    def declaration(self, name: str) -> str:
        """Write the exported declaration of a named type, with its documentation."""
        schema = self._types[name]
        identifier = self._names[name]
        doc = doc_comment(schema.get("description", ""), deprecated=deprecation(schema))
        if "properties" in schema and schema["properties"] and "$ref" not in schema:
            return f"{doc}export interface {identifier} {self._object(schema, '')}\n"
        return f"{doc}export type {identifier} = {self.type(schema)};\n"

    def resolve(self, schema: Schema) -> Schema:
        """Follow references to the schema that they lead to."""
        return resolved(schema, self._types)

    def type(self, schema: Schema | bool, indent: str = "") -> str:  # noqa: FBT001
        """Write the type of a schema.

        Args:
            schema: The schema, which may be `true` or `false` in JSON Schema.
            indent: Indentation of the line it is in, for objects of several lines.

        Returns:
            TypeScript that can be a property's type without parentheses.
        """
        return _union(self._alternatives(schema, indent))

    def _alternatives(self, schema: Schema | bool, indent: str) -> list[str]:  # noqa: FBT001
        """Write the members of a schema's union; most schemas have one member."""
        if isinstance(schema, bool):
            return ["unknown" if schema else "never"]
        # An intersection, so that editors still offer the known values.
        others = [f"({_SCALARS[kind]} & {{}})" for kind in open_kinds(schema, self._types)]
        return [*self._known(schema, indent), *others]

    def _known(self, schema: Schema, indent: str) -> list[str]:
        """Write the members that the contract lists."""
        name = ref_name(schema)
        if name is not None:
            return [self._names[name]]
        if "const" in schema:
            return [literal_type(schema["const"])]
        if "enum" in schema:
            return [literal_type(value) for value in schema["enum"]]
        if "allOf" in schema:
            return [_all_of([self._part(part, indent) for part in schema["allOf"]])]
        for keyword in _UNIONS:
            if keyword in schema:
                return self._branches(schema, keyword, indent)
        return self._by_type(schema, indent)

    def _part(self, schema: Schema | bool, indent: str) -> str:  # noqa: FBT001
        """Write a type as a part of another: unions are put in parentheses."""
        members = list(dict.fromkeys(self._alternatives(schema, indent)))
        return f"({_union(members)})" if len(members) > 1 else members[0]

    def _by_type(self, schema: Schema, indent: str) -> list[str]:
        """Write the type of a schema by its keyword `type`."""
        kind = schema.get("type")
        if is_list(kind):
            return [text for one in kind for text in self._by_type({**schema, "type": one}, indent)]
        if kind == "array":
            return [self._array(schema, indent)]
        if kind == "object" or (kind is None and "properties" in schema):
            return [self._object(schema, indent)]
        if is_bytes(schema):
            return ["Uint8Array"]
        if "x-inf-nan" in schema:
            return ["number", *map(quoted, _NOT_FINITE)]
        return [_SCALARS.get(str(kind), "unknown")]

    def _branches(
        self, schema: Schema, keyword: str, indent: str, tag: str | None = None
    ) -> list[str]:
        """Write the members of a union; with a discriminator, each with its tag required.

        A union inside a union is flattened, and uses the outer tag if it has none.
        """
        discriminator = schema.get("discriminator")
        if is_object(discriminator):
            tag = discriminator.get("propertyName")
        return [text for one in schema[keyword] for text in self._branch(one, tag, indent)]

    def _branch(self, branch: Schema, tag: str | None, indent: str) -> list[str]:
        """Write one member. A tag with a default is optional in the model, not in the union.

        Unions inside it have their own tags, which the contract lists as `required`.
        """
        for keyword in _UNIONS:
            if keyword in branch:
                return self._branches(branch, keyword, indent, tag)
        texts = self._alternatives(branch, indent)
        found = list(leaves(branch, self._types))
        wanted = {tag, *branch.get("required", ())} - {None}
        demanded = {key: self._demanded(key, found) for key in sorted(map(str, wanted))}
        tags = "; ".join(f"{property_key(key)}: {kind}" for key, kind in demanded.items() if kind)
        return [_all_of([*texts, f"{{ {tags} }}"])] if tags else texts

    def _demanded(self, key: str, found: Sequence[Schema]) -> str:
        """Write the type of a property that all leaves must have; "" if nothing is to be added."""
        properties = [leaf.get("properties", {}).get(key) for leaf in found]
        if None in properties or all(key in leaf.get("required", ()) for leaf in found):
            return ""
        return _union([text for one in properties for text in self._alternatives(one, "")])

    def _array(self, schema: Schema, indent: str) -> str:
        """Write an array, or a tuple if the items have separate types."""
        prefix: Sequence[Schema] = schema.get("prefixItems", ())
        items = schema.get("items", True)
        if not prefix:
            return "[]" if schema.get("maxItems") == 0 else f"{self._part(items, indent)}[]"
        least = schema.get("minItems", 0)
        parts = [
            self.type(item, indent) if index < least else f"{self._part(item, indent)}?"
            for index, item in enumerate(prefix)
        ]
        if items is not False and schema.get("maxItems", len(prefix) + 1) > len(prefix):
            parts.append(f"...{self._part(items, indent)}[]")
        return f"[{', '.join(parts)}]"

    def _object(self, schema: Schema, indent: str) -> str:
        """Write an object: fields, then an index signature if other keys are allowed."""
        inner = indent + "  "
        properties = fields(schema)
        required = schema.get("required", ())
        extra = _extra(schema)
        if not properties:
            return self._dictionary(schema, extra, indent) if extra else EMPTY
        lines = [
            f"{_field_doc(field, inner)}{inner}{property_key(key)}"
            f"{'' if key in required else '?'}: {self.type(field, inner)};\n"
            for key, field in properties.items()
        ]
        if extra:
            lines.append(f"{inner}[key: string]: {self._index_type(schema, extra, inner)};\n")
        return "{\n" + "".join(lines) + indent + "}"

    def _dictionary(self, schema: Schema, extra: Sequence[Schema | bool], indent: str) -> str:
        """Write the type of a dictionary, with its keys if they are known."""
        values = _union([text for one in extra for text in self._alternatives(one, indent)])
        keys = self.resolve(schema.get("propertyNames", {}))
        closed = keys.get("enum", [keys["const"]] if "const" in keys else None)
        if closed:
            options = _union([quoted(str(key)) for key in closed])
            return f"{{ [K in {options}]?: {values} }}"
        return f"{{ [key: string]: {values} }}"

    def _index_type(self, schema: Schema, extra: Sequence[Schema | bool], indent: str) -> str:
        """Write the type of the index signature, which must include the declared fields."""
        properties = schema["properties"]
        values = [*extra, *properties.values()]
        types = [text for one in values for text in self._alternatives(one, indent)]
        some_optional = set(properties) - set(schema.get("required", ()))
        return _union([*types, "undefined"] if some_optional else types)


def _extra(schema: Schema) -> list[Schema | bool]:
    """List the schemas for the keys of an object that are not declared as fields."""
    patterns = list(schema.get("patternProperties", {}).values())
    extra = schema.get("additionalProperties")
    if extra is None and not patterns and "properties" not in schema:
        extra = True  # a bare {"type": "object"} says nothing of its keys
    return patterns + ([extra] if extra is not None and extra is not False else [])


def _field_doc(field: Schema, indent: str) -> str:
    return doc_comment(field.get("description", ""), indent, deprecated=deprecation(field))


def literal_type(value: object) -> str:
    """Write the type that has only this value."""
    if is_object(value):
        entries = "; ".join(f"{property_key(k)}: {literal_type(v)}" for k, v in value.items())
        return f"{{ {entries} }}" if entries else EMPTY
    if is_list(value):
        return f"[{', '.join(literal_type(item) for item in value)}]"
    return literal(value)


def _all_of(parts: Sequence[str]) -> str:
    """Join types by `&`; several are put in parentheses, which are allowed around any type."""
    return parts[0] if len(parts) == 1 else f"({' & '.join(parts)})"


def _union(members: Sequence[str]) -> str:
    """Join types by `|`, each once."""
    if "unknown" in members:
        return "unknown"
    return " | ".join(dict.fromkeys(members)) or "never"
