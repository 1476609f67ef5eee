"""JavaScript's idea of numbers and names."""

import pytest

from bytesocket_app.wire.javascript import from_float64, member_name


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("text", "text"),
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (-2, "-2"),
        (2**64, "18446744073709551616"),
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (-1.5, "-1.5"),
        (100.0, "100"),
        (0.5, "0.5"),
        (0.000001, "0.000001"),
        (0.0000012, "0.0000012"),
        (1e-7, "1e-7"),
        (1.25e-7, "1.25e-7"),
        (1e20, "100000000000000000000"),
        (123456789012345680000.0, "123456789012345680000"),
        (1e21, "1e+21"),
        (-1.5e300, "-1.5e+300"),
        (5e-324, "5e-324"),
        (1234.5678, "1234.5678"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"),
    ],
)
def test_names_members(key: object, name: str) -> None:
    assert member_name(key) == name


def test_refuses_other_names() -> None:
    with pytest.raises(TypeError, match="bytes is no name"):
        member_name(b"a")


@pytest.mark.parametrize(
    ("number", "read"),
    [
        (3.0, "3.0"),
        (2.0**32 - 1, "4294967295.0"),
        (2.0**32, "4294967296"),
        (-(2.0**31), "-2147483648.0"),
        (-(2.0**31) - 1, "-2147483649"),
        (2.0**53, "9007199254740992"),
        (2.0**54, "1.8014398509481984e+16"),
        (5e9 + 0.5, "5000000000.5"),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
    ],
)
def test_tells_whole_numbers_from_floats(number: float, read: str) -> None:
    assert repr(from_float64(number)) == read
