"""The value of a field that is not there: neither null nor a default."""

from enum import Enum
from typing import Any, Final, Literal

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema
from typing_extensions import override


class Unset(Enum):
    """The type of `UNSET`. It has one member, so that type checkers narrow `is UNSET`."""

    UNSET = "UNSET"

    @override
    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> Literal[False]:
        return False

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _source: Any, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Accept the very object and nothing that comes off the wire."""
        return core_schema.is_instance_schema(cls)


UNSET: Final = Unset.UNSET
"""Stands for an absent field in generated models; it is never sent."""
