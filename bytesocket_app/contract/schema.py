"""Generator of JSON Schemas: Pydantic's own, with its errors and omissions corrected.

One generator serves all types of an application, in both modes: `validation` for input,
`serialization` for output. Its schemas are raw: references name types by Pydantic's internal
reference, and `contract.tidy` converts the schemas to the document's shape.

Hints for the generators of clients, beside the plain keywords of JSON Schema:

- `x-order`: names of an object's properties in declared order, if that is not alphabetical.
- `x-enum-names`: names of an enum's members, parallel to `enum`.
- `x-flags`: `{name: number}` of an `IntFlag` or `Flag`; every combination is valid.
- `x-key`: schema of a mapping's key if that is not plain text.
- `x-type`: `"decimal"` on both forms of a `Decimal`, limited by `x-max-digits` and
  `x-decimal-places`.
- `x-bytes`: `"utf8"`, `"base64"` or `"hex"`, the encoding of bytes in JSON (MessagePack: raw); with
  `x-min-bytes` and `x-max-bytes`.
- `x-inf-nan`: `"strings"` if JSON carries NaN and the infinities as `"NaN"`, `"Infinity"` and
  `"-Infinity"`.
- `x-timezone`: `"aware"` or `"naive"` if a time must have a time zone or must not.
- `x-aliases`: `{property: [other names]}` under which input accepts a property too.
- `x-strict`: input is not converted from another type, such as `"1"` to `1`.
- `x-closed`: flags that take no other bits than their members', as a plain `Flag` does.
- `x-first-match`: places of a left-to-right union's members in the order in which they are tried.
- `x-open`: set by users on a set of values: clients must expect other values.
- `x-deprecated`: text of a mark of deprecation, beside `deprecated`.
- `x-unknown`: reason why the output is not known: a serializer without a return annotation.
"""

import inspect
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, TypeAlias, cast

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, JsonSchemaValue
from pydantic_core import CoreSchema, core_schema
from typing_extensions import override

from bytesocket_app.contract.keys import KeyProblem, key_hints
from bytesocket_app.contract.marks import class_mark, field_marks
from bytesocket_app.contract.probing import (
    alias_problem,
    formless,
    hidden_only_from_input,
    may_be_missing,
    other_names,
    shown_if_required,
    tag_names,
    without_aliases,
)
from bytesocket_app.contract.shape import REF_PREFIX, Schema
from bytesocket_app.contract.values import ValueSchemas
from bytesocket_app.events.nulls import definitions_of

_Method: TypeAlias = Callable[[Any], JsonSchemaValue]
_MAPPINGS: Final = frozenset({"dict", "ordered-dict", "counter", "frozendict"})
_TUPLES: Final = frozenset({"named-tuple", "call"})
_CONVERTED: Final = frozenset(
    {"bool", "date", "datetime", "decimal", "float", "int", "time", "timedelta"}
)
"""Types to which Pydantic converts other JSON types, unless it is strict."""
_CONFIGURED: Final = frozenset({"dataclass", "model", "typed-dict"})
_WITH_FIELDS: Final = frozenset({"dataclass-args", "model-fields", "typed-dict"})
_FIELDS: Final = frozenset({"model-field", "typed-dict-field", "dataclass-field", "computed-field"})


class NoSchema(Exception):
    """A part of a type cannot be written as JSON.

    Pydantic's own error is not used, because its generator catches that in unions and leaves the
    member out.
    """

    def __init__(self, field: str, reason: str) -> None:
        self.field = field
        self.reason = reason
        super().__init__(f"{field}: {reason}")


class SchemaGenerator(ValueSchemas):
    """Generates the raw schemas of one contract, by a call of `take` per type and mode."""

    def __init__(self) -> None:
        super().__init__(by_alias=True, ref_template=REF_PREFIX + "{model}")
        self._path: list[str] = []
        self._owner: type | None = None
        self._names: dict[int, str] = {}
        self._unfit: dict[str, NoSchema] = {}
        self._takes_aliases = True
        self._changed: list[object] = []

    @override
    def build_schema_type_to_method(self) -> dict[Any, _Method]:
        """Wrap Pydantic's methods for mappings and named tuples, of which versions have others."""
        methods = cast("dict[Any, _Method]", super().build_schema_type_to_method())
        methods |= {kind: partial(self._keyed, methods[kind]) for kind in _MAPPINGS & set(methods)}
        methods |= {kind: partial(self._full, methods[kind]) for kind in _TUPLES & set(methods)}
        return methods

    def take(self, schema: CoreSchema, mode: JsonSchemaMode) -> Schema:
        """Return the raw schema of a type; adds the types that it refers to to `definitions`.

        Raises:
            NoSchema: A part of the type cannot be written as JSON.
        """
        self._mode = mode
        self._path.clear()
        return self.generate_inner(schema)

    def definition(self, key: str) -> Schema:
        """Return the raw schema that a reference points to.

        Raises:
            NoSchema: The type cannot be written as JSON, or was never defined.
        """
        found = cast("Mapping[str, Schema]", self.definitions).get(key)
        if found is None:
            raise self._unfit.get(key) or NoSchema(key, "it was never defined")
        return found

    def resolved(self, schema: Schema) -> Schema:
        """Return the schema at the end of a chain of references; `{}` if not defined yet."""
        while str(schema.get("$ref", "")).startswith(REF_PREFIX):
            key = schema["$ref"].removeprefix(REF_PREFIX)
            schema = cast("Mapping[str, Schema]", self.definitions).get(key, {})
        return schema

    @property
    @override
    def mode(self) -> JsonSchemaMode:
        """The mode that `take` was given; a model's `json_schema_mode_override` is ignored."""
        return self._mode

    @override
    def get_defs_ref(self, core_mode_ref: Any) -> Any:
        """Name a type by its identity; readable names are chosen when all types are known."""
        core_ref, mode = core_mode_ref
        return f"{core_ref}|{mode}"

    @override
    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> JsonSchemaValue:
        """Raise NoSchema, also within unions: leaving out a member would change the type."""
        raise self._refusal(f"{formless(schema) or error_info} has no form in JSON")

    @override
    def is_subclass_schema(self, schema: core_schema.IsSubclassSchema) -> JsonSchemaValue:
        """Raise NoSchema for classes as values, for which Pydantic would write "any value"."""
        return self.handle_invalid_for_json_schema(cast("CoreSchema", schema), "a class")

    @override
    def generate_inner(self, schema: Any) -> JsonSchemaValue:
        """Track the current field, and show in output what is hidden from input only."""
        if self.mode == "serialization":
            schema = hidden_only_from_input(schema)
        else:
            schema = self._as_read(schema)
        kind = schema["type"]
        if kind in _CONVERTED and schema.get("strict", self._config.strict):
            # In both modes, as `x-aliases`: a hint in input alone would split one type into two.
            return super().generate_inner(schema) | {"x-strict": True}
        if kind not in _FIELDS:
            return super().generate_inner(schema)
        name = self._names.get(id(schema)) or str(schema.get("property_name", "?"))
        with self._at(name):
            if self.mode == "validation":
                schema = shown_if_required(schema)
            if self.mode == "validation" and (problem := alias_problem(schema)):
                config = self._config.config_dict
                if not (config.get("populate_by_name") or config.get("validate_by_name")):
                    raise self._refusal(problem)
            return self._with_mark(super().generate_inner(schema), name)

    @override
    def definitions_schema(self, schema: core_schema.DefinitionsSchema) -> JsonSchemaValue:
        """Record the definitions that fail, and raise only where they are used."""
        self.core_definitions |= definitions_of(schema)
        for definition in schema["definitions"]:
            try:
                self.generate_inner(definition)
            except NoSchema as problem:
                self._unfit[self.get_defs_ref((definition.get("ref"), self.mode))] = problem
        return self.generate_inner(schema["schema"])

    # ---- presence of fields

    @override
    def field_is_required(self, field: Any, total: bool) -> bool:
        """Return True if the key is always present; on output, a field with a default is."""
        if self.mode == "validation":
            return super().field_is_required(field, total)
        if field.get("serialization_exclude_if") is not None:
            return False
        if field["type"] == "typed-dict-field":
            return bool(field.get("required", total))
        return not may_be_missing(field["schema"])

    @override
    def model_fields_schema(self, schema: core_schema.ModelFieldsSchema) -> JsonSchemaValue:
        """Record the fields' names for error messages."""
        fields = schema["fields"]
        self._names.update((id(field), name) for name, field in fields.items())
        return super().model_fields_schema(schema) | self._aliases(fields)

    @override
    def dataclass_args_schema(self, schema: core_schema.DataclassArgsSchema) -> JsonSchemaValue:
        """Record the fields' names for error messages."""
        fields = {field["name"]: field for field in schema["fields"]}
        self._names.update((id(field), name) for name, field in fields.items())
        return super().dataclass_args_schema(schema) | self._aliases(fields)

    @override
    def typed_dict_schema(self, schema: core_schema.TypedDictSchema) -> JsonSchemaValue:
        """Record the fields' names for error messages, and write the setting for extra keys."""
        self._names.update((id(field), name) for name, field in schema["fields"].items())
        cls = schema.get("cls")
        with self._at(cls.__name__ if cls else "TypedDict", owner=cls or dict):
            result = super().typed_dict_schema(schema)
        # Pydantic writes the setting for extra keys from 2.11 on.
        extra = schema.get("config", {}).get("extra_fields_behavior")
        if extra in {"allow", "forbid"}:
            result.setdefault("additionalProperties", extra == "allow")
        return _marked(result, cls)

    @override
    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> JsonSchemaValue:
        """Start a new path; write the setting `extra` and the documentation.

        Pydantic before 2.13 leaves both out for a plain dataclass in a model.
        """
        cls = schema["cls"]
        with self._at(cls.__name__, owner=cls):
            result = super().dataclass_schema(schema)
        # A dataclass without documentation has its signature as its docstring.
        doc = cls.__doc__ if not (cls.__doc__ or "").startswith(f"{cls.__name__}(") else None
        result.pop("description", None)
        if doc:
            result["description"] = inspect.cleandoc(doc)
        extra = schema.get("config", {}).get("extra_fields_behavior")
        if extra in {"allow", "forbid"}:
            result.setdefault("additionalProperties", extra == "allow")
        return _marked(result, cls)

    @override
    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """Start a new path; give a parametrised generic the documentation of its class."""
        with self._at(schema["cls"].__name__, owner=schema["cls"]):
            result = super().model_schema(schema)
            if schema.get("root_model") and "root" in (marks := field_marks(schema["cls"])):
                result |= {"deprecated": True, "x-deprecated": marks["root"]}
        model = cast("type[BaseModel]", schema["cls"])
        if hasattr(model, "__deprecated__") and "__deprecated__" not in vars(model):
            result.pop("deprecated", None)  # of a base class: Pydantic before 2.14 inherits it
        origin = model.__pydantic_generic_metadata__["origin"]
        if origin is not None and origin.__doc__ and "description" not in result:
            result["description"] = inspect.cleandoc(origin.__doc__)
        return _marked(result, origin or model)

    @override
    def enum_schema(self, schema: core_schema.EnumSchema) -> JsonSchemaValue:
        """Mark a deprecated enum, which Pydantic does not."""
        return _marked(super().enum_schema(schema), cast("type", schema["cls"]))

    def _aliases(self, fields: Mapping[str, Mapping[str, Any]]) -> Schema:
        """Return the hint with the further names under which input accepts fields."""
        config = self._config.config_dict
        by_name = bool(config.get("populate_by_name") or config.get("validate_by_name"))
        incoming = self.mode == "validation"
        others = other_names(fields, by_name=by_name, incoming=incoming)
        return {"x-aliases": others} if others else {}

    # ---- mappings, tuples and unions

    def _keyed(self, plain: _Method, schema: Any) -> JsonSchemaValue:
        """Add the key's type, which JSON Schema cannot express."""
        result = plain(schema)
        if "patternProperties" not in result:
            result.setdefault("additionalProperties", True)
        if "keys_schema" not in schema:
            return result
        try:
            return key_hints(result, self.generate_inner(schema["keys_schema"]), self.resolved)
        except KeyProblem as problem:
            raise self._refusal(str(problem)) from None

    def _full(self, plain: _Method, schema: Any) -> JsonSchemaValue:
        """Require every item of a named tuple on output, with or without a default."""
        result = plain(schema)
        if self.mode == "serialization" and "prefixItems" in result:
            result["minItems"] = len(result["prefixItems"])
        return result

    @override
    def union_schema(self, schema: core_schema.UnionSchema) -> JsonSchemaValue:
        """Mark a left-to-right union; `contract.tidy` sorts members, and keeps their order.

        In both modes: a mark in input alone would split one type into two.
        """
        result = super().union_schema(schema)
        if schema.get("mode") == "left_to_right" and "anyOf" in result:
            result["x-first-match"] = list(range(len(result["anyOf"])))
        return result

    @override
    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        """Record the candidates for the tag; `contract.tidy` decides when all members are known."""
        result = super().tagged_union_schema(schema)
        result["discriminator"] = {"candidates": tag_names(schema["discriminator"])}
        return result

    # ---- inside

    def _as_read(self, schema: Any) -> Any:
        """Return an object's schema without the aliases that its configuration has input ignore."""
        kind = schema["type"]
        if kind in _CONFIGURED:
            config: Mapping[str, Any] = schema.get("config") or {}
            self._takes_aliases = config.get("validate_by_alias") is not False
        if self._takes_aliases or kind not in _WITH_FIELDS:
            return schema
        self._changed.append(changed := without_aliases(schema))  # so that no id is used twice
        return changed

    @contextmanager
    def _at(self, step: str, *, owner: type | None = None) -> Generator[None]:
        """Go one step down; with an owner, whose fields come next, start a new path."""
        before = self._path, self._owner
        self._path = [step] if owner else [*self._path, step]
        self._owner = owner or self._owner
        try:
            yield
        finally:
            self._path, self._owner = before

    def _with_mark(self, schema: Schema, field: str) -> Schema:
        """Add the text of a deprecated field's mark."""
        if not schema.get("deprecated") or self._owner is None:
            return schema
        text = field_marks(self._owner).get(field)
        return schema | {"x-deprecated": text} if text else schema

    def _refusal(self, reason: str) -> NoSchema:
        return NoSchema(".".join(self._path), reason)


def _marked(schema: Schema, cls: type | None) -> Schema:
    """Mark the schema of a deprecated class, which Pydantic does for models only."""
    text = None if cls is None else class_mark(cls)
    if text is None:
        return schema
    return schema | {"deprecated": True, **({"x-deprecated": text} if text else {})}
