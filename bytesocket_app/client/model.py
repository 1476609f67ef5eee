"""Base of the models in generated clients: what is UNSET is absent wherever the model is shown."""

from collections.abc import Generator
from typing import Any, cast

from pydantic import (
    BaseModel,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
)
from pydantic_core import InitErrorDetails, PydanticCustomError
from typing_extensions import override

from bytesocket_app.client.unset import UNSET
from bytesocket_app.errors import near


def _write(self: BaseModel, handler: SerializerFunctionWrapHandler, info: SerializationInfo) -> Any:
    written: object = handler(self)
    if isinstance(written, dict) and isinstance(self, Model):
        members = cast("dict[str, Any]", written)
        for name, field in type(self).model_fields.items():
            if self.__dict__.get(name) is UNSET:
                members.pop((info.by_alias and field.serialization_alias) or name, None)
    return cast("Any", written)


# With a declared result, Pydantic would write the result again, as a value of that type.
del _write.__annotations__["return"]


class Model(BaseModel):
    """Base of generated models.

    A field that is `UNSET` is left out by `model_dump`, `model_dump_json`, `repr` and iteration.
    Names that the model does not have are refused, unless it takes any: the server would ignore
    them or refuse the event. What arrives may have more members than the contract knows.
    """

    def __init__(self, /, **data: Any) -> None:
        """Make a model of its fields.

        Raises:
            ValidationError: A value is not valid, or there is no field of a name.
        """
        kind = type(self)
        if kind.model_config.get("extra") != "allow":
            _refuse_unknown(kind, data)
        super().__init__(**{name: value for name, value in data.items() if value is not UNSET})

    # Pydantic takes arriving data directly then, not through this function.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    _written_without_unset = model_serializer(mode="wrap")(_write)

    @override
    def __iter__(self) -> Generator[tuple[str, Any], None, None]:  # noqa: PYI058 - as in Pydantic
        """Iterate over the names and values of what is set or has a default."""
        yield from ((name, value) for name, value in super().__iter__() if value is not UNSET)

    @override
    def __repr_args__(self) -> Any:
        """Return what `repr` shows."""
        return [(name, value) for name, value in super().__repr_args__() if value is not UNSET]


def _refuse_unknown(model: type[BaseModel], data: dict[str, Any]) -> None:
    """Raise ValidationError for names that no field has."""
    unknown = data.keys() - model.model_fields.keys()
    if not unknown:
        return
    unknown -= {str(field.validation_alias) for field in model.model_fields.values()}
    problems: list[InitErrorDetails] = [
        {"type": _no_field(model, name), "loc": (name,), "input": value}
        for name, value in data.items()
        if name in unknown
    ]
    if problems:
        raise ValidationError.from_exception_data(model.__name__, problems)


def _no_field(model: type[BaseModel], name: str) -> PydanticCustomError:
    hint = near(name, model.model_fields)
    text = f"{model.__name__} has no field {name!r}.{hint}"
    return PydanticCustomError("extra_forbidden", "{text}", {"text": text})
