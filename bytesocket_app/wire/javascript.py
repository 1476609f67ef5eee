"""Rules of JavaScript for numbers and text that show on the wire (protocol.md 8.2 and 8.3)."""

import math
from typing import Final

_NOT_FINITE: Final = 255
"""The exponent field of a float32 that is NaN or an infinity."""
_MAX_POINT: Final = 21
_MIN_POINT: Final = -6
"""Range of the decimal point's position without an exponent (ECMA-262 Number::toString)."""

MAX_SAFE: Final = 2**53
"""Largest magnitude up to which every integer has its own float64."""

INT32_MIN: Final = -(2**31)
UINT32_MAX: Final = 2**32 - 1
"""Range of whole numbers that the TypeScript packer writes as integers; others are float64."""

_SCALES: Final = tuple(float(f"1e{math.floor(45.15 - 0.30103 * e)}") for e in range(256))
"""Power of ten, by a float32's exponent field, that keeps the digits which it can hold."""


def from_float32(raw: float, exponent: int) -> float:
    """Undo the rounding of a float32: 0.10000000149011612 was 0.1.

    Args:
        raw: The float32 as a double.
        exponent: The 8-bit exponent field. NaN and the infinities are returned unchanged.
    """
    if exponent == _NOT_FINITE:
        return raw
    scale = _SCALES[exponent]
    return math.trunc(scale * raw + math.copysign(0.5, raw)) / scale


def from_float64(number: float) -> int | float:
    """Return the integer of a float64 that was an integer of more than 32 bits, else the float."""
    if number.is_integer() and abs(number) <= MAX_SAFE:
        whole = int(number)
        return number if INT32_MIN <= whole <= UINT32_MAX else whole
    return number


def member_name(key: object) -> str:
    """Return the member name that JavaScript gives a map key: `1`, `1e+21`, `true`, `null`.

    Raises:
        TypeError: The key is no text, number, bool or None.
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
    r"""Replace each lone surrogate by U+FFFD, as JavaScript's decoders do.

    Surrogate pairs become the character that they stand for, as in JavaScript: `"\ud83d\ude00"`
    is one emoji. Source: protocol.md section 8.3.
    """
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _number_text(number: float) -> str:
    """Return the text of a number as ECMA-262 Number::toString does, in base ten.

    The digits are the shortest; from 1e-6 to below 1e21 they are decimal.
    """
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
