"""A field that is not there."""

import pytest
from pydantic import BaseModel, ValidationError

from bytesocket_app.client.unset import UNSET, Unset


class Profile(BaseModel):
    age: int | Unset = UNSET


def test_it_is_neither_null_nor_text() -> None:
    assert Profile().age is UNSET
    assert not UNSET
    assert repr(UNSET) == "UNSET"
    for value in (None, "UNSET"):
        with pytest.raises(ValidationError):
            Profile.model_validate({"age": value})
