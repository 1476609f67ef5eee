"""Python declarations of a contract's named types: models, enums and aliases."""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from bytesocket_cli.codegen.python_names import (
    BUILTINS,
    docstring,
    field_name,
    literal,
    member_name,
)
from bytesocket_cli.codegen.python_types import (
    AnnotationWriter,
    has_fields,
    is_enum,
    walk,
)
from bytesocket_cli.codegen.schema import Schema, bytes_text, fields, is_bytes, leaves

_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')
_NAME = re.compile(r"(?<![\w.])[^\W\d]\w*")
_INDENT = "    "
_PLAIN = frozenset({"string", "integer", "number", "boolean", "null"})


class ModelWriter:
    """Writer of the declarations of one contract's types.

    Args:
        types: The contract's `types`.
        names: Mapping from the contract name of each type to its Python class name.
        writer: Writer of the annotations.
        config: Pydantic settings of every model.
        payloads: Schemas that may refer to `types`: those of all payloads.
    """

    def __init__(
        self,
        types: Mapping[str, Schema],
        names: Mapping[str, str],
        writer: AnnotationWriter,
        config: Mapping[str, str],
        payloads: Iterable[Schema] = (),
    ) -> None:
        self._types = types
        self._names = names
        self._writer = writer
        self._tags = _demanded_tags([*types.values(), *payloads], types)
        self._config = config

    def ordered(self) -> list[str]:
        """List the contract names, each after the types that it refers to, except in cycles."""
        done: dict[str, None] = {}
        begun: set[str] = set()

        def visit(name: str) -> None:
            if name in begun:
                return
            begun.add(name)
            for inner in sorted(self._writer.references(self._types[name]) & set(self._types)):
                visit(inner)
            done[name] = None

        for name in sorted(self._types):
            visit(name)
        return list(done)

    def declaration(self, name: str, bases: str, known: Iterable[str], doc: str = "") -> list[str]:
        """Write one type's declaration as lines.

        Args:
            name: Contract name of the type.
            bases: Bases and keyword arguments of its class statement.
            known: Contract names that are declared already; others are quoted in annotations.
            doc: Documentation for a schema that has none.
        """
        schema, identifier = self._types[name], self._names[name]
        text = str(schema.get("description", "")) or doc
        if is_enum(schema):
            return [*_enum(identifier, schema), *docstring(text, _INDENT)]
        if has_fields(schema):
            unknown = self._writer.references(schema) - set(known)
            return [
                f"class {identifier}({bases}):",
                *self.body(schema, text, tags=self._tags.get(name, ()), is_late=bool(unknown)),
            ]
        if self._writer.references(schema) <= set(known):
            return [f"{identifier}: _t.TypeAlias = {self._writer.annotation(schema)}"]
        return self._late_alias(name)

    def _late_alias(self, name: str) -> list[str]:
        """Write an alias that refers to a type declared later, or to itself.

        Recursion goes through a second name: by its own name pyright may take the alias for a
        variable, depending on the module that it checks first.
        """
        identifier, again = self._names[name], f"_{self._names[name]}Again"
        names = {**self._names, name: again}
        text = _as_text(AnnotationWriter(self._types, names).annotation(self._types[name]))
        alias = f'{identifier} = _te.TypeAliasType("{identifier}", {text})'
        return [alias, f"{again} = {identifier}"] if again in text else [alias]

    def body(
        self, schema: Schema, doc: str, *, tags: Collection[str] = (), is_late: bool = False
    ) -> list[str]:
        """Write the body of a model.

        Args:
            schema: Schema of an object.
            doc: Documentation of the class.
            tags: Properties that unions require even if they have a default.
            is_late: True if annotations name classes that are declared later.
        """
        members = self._fields(schema, tags)
        lines = docstring(doc, _INDENT)
        config = dict(self._config)
        if any(field.attribute != field.key for field in members):
            config["populate_by_name"] = "True"
        if schema.get("additionalProperties", False) is not False:
            config["extra"] = '"allow"'
        if any(field.attribute.startswith("model_") for field in members):
            config["protected_namespaces"] = "()"
        parts = [lines] if lines else []
        if config:
            parts.append([config_line(config)])
        if members:
            parts.append([line for field in members for line in field.lines(is_late=is_late)])
        constants = [field.attribute for field in members if field.is_constant]
        if constants:
            parts.append(_always_sent(constants))
        joined = [line for part in parts for line in ("", *part)][1:]
        return joined or [f"{_INDENT}pass"]

    def _fields(self, schema: Schema, tags: Collection[str]) -> list["_Field"]:
        properties = fields(schema)
        required = {*schema.get("required", ())}
        texts = {key: self._writer.annotation(field) for key, field in properties.items()}
        taken = {word for text in texts.values() for word in _NAME.findall(_TEXT.sub("", text))}
        taken &= {*self._names.values(), *BUILTINS}
        found: list[_Field] = []
        for key in properties:
            field = _Field(key, field_name(key, taken), properties[key], texts[key])
            field.is_constant = key not in required and "const" in properties[key]
            field.is_required = key in required or (key in tags and not field.is_constant)
            taken.add(field.attribute)
            found.append(field)
        return found


class _Field:
    """Field of a model, to be written as source text."""

    def __init__(self, key: str, attribute: str, schema: Schema, annotation: str) -> None:
        self.key = key
        self.attribute = attribute
        self.schema = schema
        self.annotation = annotation
        self.is_constant = False
        self.is_required = True

    def lines(self, *, is_late: bool) -> list[str]:
        annotation, default = self.annotation, self._default()
        if default == "_bs.UNSET":
            annotation = f"{annotation} | _bs.Unset"
        shown = _as_text(annotation) if is_late else annotation
        value = self._value(default)
        assignment = f" = {value}" if value else ""
        doc = docstring(str(self.schema.get("description", "")), _INDENT)
        return [f"{_INDENT}{self.attribute}: {shown}{assignment}", *doc]

    def _default(self) -> str:
        if self.is_required:
            return ""
        if self.is_constant:
            return literal(self.schema["const"])
        default = self.schema.get("default", ...)
        if _is_plain(self.schema) and isinstance(default, str | int | float):
            return literal(default)
        # A default may be null where the field does not take it (`SkipJsonSchema[None]`).
        if default is None and self.annotation.endswith("None"):
            return "None"
        return "_bs.UNSET"

    def _value(self, default: str) -> str:
        if self.attribute == self.key:
            return default
        alias = literal(self.key)
        names = f"validation_alias={alias}, serialization_alias={alias}"
        return f"_p.Field(default={default}, {names})" if default else f"_p.Field({names})"


def _is_plain(schema: Schema) -> bool:
    """Return True if a default in JSON is the same value in Python."""
    if "x-type" in schema:
        return False
    if "anyOf" in schema:
        return all(_is_plain(one) for one in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return True
    return schema.get("type") in _PLAIN and "format" not in schema


def config_line(config: Mapping[str, str]) -> str:
    """Write the settings of a model class."""
    settings = ", ".join(f"{key}={value}" for key, value in sorted(config.items()))
    return f"{_INDENT}model_config = _p.ConfigDict({settings})"


def _always_sent(attributes: Iterable[str]) -> list[str]:
    """Write the method that marks constants as set: unions at the server need their tags."""
    marks = ", ".join(literal(attribute) for attribute in attributes)
    return [
        f"{_INDENT}@_te.override",
        f"{_INDENT}def model_post_init(self, context: _t.Any, /) -> None:",
        f"{_INDENT * 2}self.model_fields_set.update(({marks},))",
    ]


def _enum(identifier: str, schema: Schema) -> list[str]:
    values: list[Any] = schema["enum"]
    base = "_enum.Enum"
    if all(isinstance(value, str) for value in values):
        base = "_enum.StrEnum"
    elif all(isinstance(value, int) and not isinstance(value, bool) for value in values):
        base = "_enum.IntEnum"
    lines, taken = [f"class {identifier}({base}):"], set[str]()
    for name, value in zip(schema["x-enum-names"], values, strict=True):
        member = member_name(name, taken)
        taken.add(member)
        lines.append(f"{_INDENT}{member} = {literal(value)}")
    return lines


def _demanded_tags(schemas: Iterable[Schema], types: Mapping[str, Schema]) -> dict[str, set[str]]:
    """Find the properties that unions require as tags, by the type's name."""
    demanded: dict[str, set[str]] = {}
    for schema in walk(schemas):
        tag = schema.get("discriminator", {}).get("propertyName")
        branches: list[Schema] = schema.get("oneOf", []) if tag is not None else []
        for branch in branches:
            for name, _ in leaves(branch, types):
                if name is not None:
                    demanded.setdefault(name, set()).update({str(tag), *branch.get("required", ())})
    return demanded


def json_config(payloads: Iterable[Schema]) -> dict[str, str]:
    """Return the settings that write bytes and numbers to JSON as the server reads them.

    Pydantic uses those of the outermost model, so all models get the same settings.
    """
    schemas = list(walk(payloads))
    config: dict[str, str] = {}
    if any("x-inf-nan" in schema for schema in schemas):
        config["ser_json_inf_nan"] = literal("strings")
    ways = {bytes_text(schema) for schema in schemas if is_bytes(schema)}
    if len(ways) == 1 and ways != {"utf8"}:
        config["ser_json_bytes"] = config["val_json_bytes"] = literal(ways.pop())
    return config


def _as_text(annotation: str) -> str:
    """Quote an annotation, so it is evaluated later."""
    return f'"{annotation}"' if '"' not in annotation else repr(annotation)
