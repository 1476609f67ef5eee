"""Where JavaScript's idea of numbers and text shows on the wire (protocol.md 8.2 and 8.3)."""

import math
from typing import Final

_NOT_FINITE: Final = 255
"""The exponent field of a float32 that is NaN or an infinity."""
_MAX_POINT: Final = 21
_MIN_POINT: Final = -6
"""ECMA-262 Number::toString: where the decimal point may be without an exponent."""

MAX_SAFE: Final = 2**53
"""Up to here every whole float64 is exactly one integer."""

INT32_MIN: Final = -(2**31)
UINT32_MAX: Final = 2**32 - 1
"""The packer writes whole numbers of this range as integers, and all others as float64."""

_SCALES: Final = tuple(float(f"1e{math.floor(45.15 - 0.30103 * e)}") for e in range(256))
"""By the exponent field of a float32: the power of ten that keeps the digits it can hold."""


def from_float32(raw: float, exponent: int) -> float:
    """Undo the rounding of a float32: 0.10000000149011612 was 0.1.

    Args:
        raw: The float32 as a double.
        exponent: Its 8-bit exponent field. NaN and the infinities stay what they are.
    """
    if exponent == _NOT_FINITE:
        return raw
    scale = _SCALES[exponent]
    return math.trunc(scale * raw + math.copysign(0.5, raw)) / scale


def from_float64(number: float) -> int | float:
    """Give back the integer that only went as a float64 because it needs over 32 bits."""
    if number.is_integer() and abs(number) <= MAX_SAFE:
        whole = int(number)
        return number if INT32_MIN <= whole <= UINT32_MAX else whole
    return number


def member_name(key: object) -> str:
    """Write a map key as JavaScript would name the member: `1`, `1e+21`, `true`, `null`.

    Raises:
        TypeError: The key is no text, number, bool or None. JavaScript has no such names.
    """
    if isinstance(key, str):
        return str.__str__(key)
    if key is None:
        return "null"
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, int):
        return int.__repr__(key)
    if isinstance(key, float):
        return _number_text(key)
    raise TypeError(f"{type(key).__name__} is no name for a member of a message")


def without_lone_surrogates(text: str) -> str:
    r"""Put U+FFFD for each lone surrogate, as the other side's decoders do.

    Two halves that belong together become the one character they stand for, as JavaScript sees
    them: `"\ud83d\ude00"` is one emoji. Source: protocol.md section 8.3.
    """
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _number_text(number: float) -> str:
    """ECMA-262 Number::toString, base ten: the shortest digits, decimal from 1e-6 to below 1e21."""
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    if number == 0:
        return "0"
    sign = "-" if number < 0 else ""
    mantissa, _, exponent = float.__repr__(abs(number)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    significant = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(significant))
    return sign + _placed(significant.rstrip("0"), point)


def _placed(digits: str, point: int) -> str:
    """Place the decimal point `point` digits from the left, or write an exponent."""
    if len(digits) <= point <= _MAX_POINT:
        return digits.ljust(point, "0")
    if 0 < point <= _MAX_POINT:
        return f"{digits[:point]}.{digits[point:]}"
    if _MIN_POINT < point <= 0:
        return "0." + digits.rjust(len(digits) - point, "0")
    tail = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{tail}e{point - 1:+d}"
