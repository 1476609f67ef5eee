"""Python declarations of a contract's named types: models, enums and aliases."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from bytesocket_cli.codegen.python_names import (
    BUILTINS,
    as_text,
    docstring,
    field_names,
    literal,
    member_names,
)
from bytesocket_cli.codegen.python_types import (
    ANYTHING,
    AnnotationWriter,
    has_fields,
    is_enum,
    reached,
    walk,
)
from bytesocket_cli.codegen.schema import (
    Document,
    Schema,
    bytes_text,
    documented,
    fields,
    is_bytes,
    ref_name,
)

_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')
_NAME = re.compile(r"(?<![\w.])[^\W\d]\w*")
_INDENT = "    "
_MEANINGFUL = frozenset(
    {"$ref", "allOf", "anyOf", "const", "enum", "oneOf", "properties", "type", "x-type"}
)
_PLAIN = frozenset({"string", "integer", "number", "boolean", "null"})


class ModelWriter:
    """Writer of the declarations of one contract's types.

    Args:
        types: The contract's `types`.
        names: Mapping from the contract name of each type to its Python class name.
        writer: Writer of the annotations.
        payloads: Schemas that may refer to `types`: those of all payloads.
        received: Contract names of the types of what the server sends; None for all.
    """

    def __init__(
        self,
        types: Mapping[str, Schema],
        names: Mapping[str, str],
        writer: AnnotationWriter,
        payloads: Iterable[Schema] = (),
        received: Collection[str] | None = None,
    ) -> None:
        self._types = types
        self._names = names
        self._writer = writer
        self._tags = _Tags([*types.values(), *payloads], types)
        self._received = types if received is None else received

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
            bases: Further bases and keyword arguments of its class statement.
            known: Contract names that are declared already; others are quoted in annotations.
            doc: Documentation for a schema that has none.
        """
        schema, identifier = self._types[name], self._names[name]
        text = documented(schema, doc)
        if is_enum(schema):
            return [*_enum(identifier, schema), *docstring(text, _INDENT)]
        if has_fields(schema):
            unknown = self._writer.references(schema) - set(known)
            return [
                f"class {identifier}({', '.join(['_bs.Model', *([bases] if bases else [])])}):",
                *self._body(name, text, is_late=bool(unknown)),
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
        text = as_text(AnnotationWriter(self._types, names).annotation(self._types[name]))
        alias = f'{identifier} = _te.TypeAliasType("{identifier}", {text})'
        return [alias, f"{again} = {identifier}"] if again in text else [alias]

    def _body(self, name: str, doc: str, *, is_late: bool) -> list[str]:
        """Write the body of a model.

        Args:
            name: Contract name of the type.
            doc: Documentation of the class.
            is_late: True if annotations name classes that are declared later.
        """
        schema = self._types[name]
        members = self._fields(name)
        extra, config = self._extra(name)
        config |= json_config(schema, self._types)
        if any(field.attribute != field.key for field in members):
            config["populate_by_name"] = "True"
        if any(field.attribute.startswith("model_") for field in members):
            config["protected_namespaces"] = "()"
        lines = docstring(doc, _INDENT)
        parts = [lines] if lines else []
        if config:
            parts.append([config_line(config)])
        if extra:
            shown = as_text(extra) if is_late else extra
            line = f"{_INDENT}__pydantic_extra__: {shown} = _p.Field(init=False)"
            parts.append([f"{line}  # pyright: ignore[reportIncompatibleVariableOverride]"])
        if members:
            parts.append([line for field in members for line in field.lines(is_late=is_late)])
        constants = [field.attribute for field in members if field.is_constant]
        if constants:
            parts.append(_always_sent(constants))
        joined = [line for part in parts for line in ("", *part)][1:]
        return joined or [f"{_INDENT}pass"]

    def _extra(self, name: str) -> tuple[str, dict[str, str]]:
        """Return the type of the members that a model does not declare, and the setting for them.

        What is only sent refuses them; what arrives may have more than the contract knows.
        """
        extra: Schema | bool = self._types[name].get("additionalProperties", False)
        if extra is False:
            return "", {} if name in self._received else {"extra": '"forbid"'}
        kind = self._writer.annotation(extra)
        return "" if kind == ANYTHING else f"dict[str, {kind}]", {"extra": '"allow"'}

    def _fields(self, name: str) -> list["_Field"]:
        schema = self._types[name]
        properties = fields(schema)
        required = {*schema.get("required", ())}
        texts = {key: self._writer.annotation(field) for key, field in properties.items()}
        taken = {word for text in texts.values() for word in _NAME.findall(_TEXT.sub("", text))}
        taken &= {*self._names.values(), *BUILTINS}
        found: list[_Field] = []
        for key, attribute in field_names(properties, taken).items():
            inner = properties[key]
            field = _Field(key, attribute, inner, texts[key])
            is_tag = self._tags.demand(name, key, inner)
            # A constant that has no default is absent until it is set.
            is_filled_in = is_tag or inner.get("default", ...) == inner.get("const")
            field.is_constant = key not in required and "const" in inner and is_filled_in
            field.is_required = key in required or (is_tag and not field.is_constant)
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
        shown = as_text(annotation) if is_late else annotation
        value = self._value(default)
        assignment = f" = {value}" if value else ""
        doc = docstring(documented(self.schema), _INDENT)
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
    lines = [f"class {identifier}({base}):"]
    members = member_names(schema["x-enum-names"])
    for name, value in zip(schema["x-enum-names"], values, strict=True):
        lines.append(f"{_INDENT}{members[name]} = {literal(value)}")
    return lines


class _Tags:
    """The properties that unions require as tags, even of types that could do without them.

    Args:
        schemas: All schemas.
        types: The contract's `types`.
    """

    def __init__(self, schemas: Iterable[Schema], types: Mapping[str, Schema]) -> None:
        self._types = types
        self._demanded: dict[str, set[str]] = {}
        uses: Counter[str | None] = Counter()
        tagged: Counter[str | None] = Counter()
        for schema in walk(schemas):
            uses[ref_name(schema)] += 1
            tag = schema.get("discriminator", {}).get("propertyName")
            branches: list[Schema] = schema.get("oneOf", []) if tag is not None else []
            for branch in branches:
                for name in self._members(branch, set()):
                    tagged[name] += 1
                    asked = {str(tag), *branch.get("required", ())}
                    self._demanded.setdefault(name, set()).update(asked)
        self._elsewhere = {name for name, count in uses.items() if count > tagged[name]}

    def demand(self, name: str, key: str, schema: Schema) -> bool:
        """Return True if a type's property is a tag that is always there.

        One without a default is not, if the type is used outside of such unions too.
        """
        is_there = "default" in schema or name not in self._elsewhere
        return is_there and key in self._demanded.get(name, ())

    def _members(self, branch: Schema, seen: set[str]) -> Iterator[str]:
        """Yield the names of the types in a union's branch, once for each use."""
        name = ref_name(branch)
        if name is not None:
            yield name
            branch = {} if name in seen else self._types.get(name, {})
            seen.add(name)
        inner: list[Schema] = branch.get("oneOf") or branch.get("anyOf") or []
        for one in inner:
            yield from self._members(one, seen)


def json_config(schema: Schema, types: Mapping[str, Schema]) -> dict[str, str]:
    """Return the setting for bytes inside of `Any`, as those beside it say."""
    found = list(_own(schema, types))
    ways = {bytes_text(inner) for inner in found if is_bytes(inner)}
    if len(ways) != 1 or ways == {"utf8"} or not any(map(_is_anything, found)):
        return {}
    return {"ser_json_bytes": literal(ways.pop())}


def _own(schema: Schema, types: Mapping[str, Schema]) -> Iterator[Schema]:
    """Yield the schemas of a class that are not those of other classes."""
    seen: set[str] = set()
    waiting = [schema]
    while waiting:
        for inner in walk([waiting.pop()]):
            yield inner
            name = ref_name(inner)
            if name is not None and name not in seen and not has_fields(types.get(name, {})):
                seen.add(name)
                waiting.append(types.get(name, {}))


def _is_anything(schema: Schema) -> bool:
    is_open_list = schema.get("type") == "array" and not schema.keys() & {"items", "prefixItems"}
    is_open_dict = schema.get("additionalProperties") is True
    return is_open_list or is_open_dict or not schema.keys() & _MEANINGFUL


def received_types(document: Document) -> set[str]:
    """Return the contract names of all types in what the server sends."""
    entries = [*document["events"], *(one for r in document["rooms"] for one in r["client_events"])]
    roots = [entry.get(part) for entry in entries for part in ("output", "reply")]
    roots += [refusal["data"] for refusal in document["refusals"].values()]
    roots += [room.get("presence", {}).get("entry") for room in document["rooms"]]
    return reached((root for root in roots if root is not None), document["types"])
