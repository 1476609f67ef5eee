"""A pattern is a room's name with holes; what it writes it reads back, and overlaps are found."""

import itertools
import re
import time
from functools import cache
from operator import add
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bytesocket_app.errors import ConfigurationError
from bytesocket_app.rooms import RoomPattern

ALPHABET = "ab:"
TOKENS = 5
FILLINGS = ["".join(f) for k in range(1, TOKENS + 1) for f in itertools.product("ab", repeat=k)]
NAMES = ["".join(n) for k in range(7) for n in itertools.product(ALPHABET, repeat=k)]


def test_a_name_without_parameters_is_one_room() -> None:
    pattern = RoomPattern("lobby")
    assert pattern.is_exact
    assert pattern.match("lobby") == {}
    assert pattern.match("lobby2") is None
    assert pattern.fill({}) == "lobby"
    assert pattern.source.startswith(f"{__file__}:")


def test_a_parameter_stands_for_characters_but_colons() -> None:
    pattern = RoomPattern("doc:{doc_id}")
    assert not pattern.is_exact
    assert pattern.parameters == ("doc_id",)
    assert pattern.match("doc:7") == {"doc_id": "7"}
    assert pattern.match("doc:a b\nü") == {"doc_id": "a b\nü"}
    for name in ("doc:", "doc", "doc:7:cursors", "xdoc:7", "DOC:7", ""):
        assert pattern.match(name) is None


def test_text_is_taken_literally() -> None:
    pattern = RoomPattern("a.b*{x}+(c)")
    assert pattern.match("a.b*1+(c)") == {"x": "1"}
    assert pattern.match("aXb*1+(c)") is None


def test_a_parameter_ends_where_its_following_text_first_stands() -> None:
    assert RoomPattern("{a}-{b}").match("x-y-z") == {"a": "x", "b": "y-z"}
    assert RoomPattern("{a}-{b}").match("-x-y") == {"a": "-x", "b": "y"}
    assert RoomPattern("{a}:{b}").match("x:y") == {"a": "x", "b": "y"}


def test_filling_writes_any_value_as_text() -> None:
    pattern = RoomPattern("doc:{doc_id}:page:{page}")
    assert pattern.fill({"doc_id": UUID(int=1), "page": 7}) == f"doc:{UUID(int=1)}:page:7"


def test_a_value_may_look_like_a_parameter() -> None:
    pattern = RoomPattern("{a}:{b}")
    assert pattern.match(pattern.fill({"a": "{b}", "b": "{a}"})) == {"a": "{b}", "b": "{a}"}


@pytest.mark.parametrize("values", [{}, {"doc": 1}, {"doc_id": 1, "more": 2}, {"doc_id": None}])
def test_filling_needs_exactly_the_parameters(values: dict[str, object]) -> None:
    with pytest.raises(TypeError, match=r"Room 'doc:\{doc_id\}' takes doc_id; given: "):
        RoomPattern("doc:{doc_id}").fill(values)


def test_an_exact_name_takes_no_parameters() -> None:
    with pytest.raises(TypeError, match="takes no parameters; given: doc_id"):
        RoomPattern("lobby").fill({"doc_id": 1})


@pytest.mark.parametrize("value", ["", "a:b", ":"])
def test_a_value_that_cannot_stand_in_a_name_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="one or more characters without ':'"):
        RoomPattern("doc:{doc_id}").fill({"doc_id": value})


def test_a_value_that_would_read_back_as_another_is_refused() -> None:
    with pytest.raises(ValueError, match="nor the text that follows it"):
        RoomPattern("{a}-{b}").fill({"a": "x-y", "b": "z"})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "it is empty"),
        ("doc:{}", "one that a Python parameter can have"),
        ("doc:{a b}", "one that a Python parameter can have"),
        ("doc:{1a}", "one that a Python parameter can have"),
        ("doc:{class}", "one that a Python parameter can have"),
        ("doc:{event}", "have a 'event' of their own: rename the parameter"),
        ("doc:{room}", "have a 'room' of their own: rename the parameter"),
        ("{a}:{a}", "a parameter comes twice"),
        ("doc:{a}{b}", "two parameters touch"),
        ("doc:{a", "a brace stands alone"),
        ("doc:a}", "a brace stands alone"),
        ("doc:{{a}}", "a brace stands alone"),
    ],
)
def test_a_pattern_that_cannot_work_is_refused_where_it_stands(text: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        RoomPattern(text)
    message = str(caught.value)
    assert message.startswith(f"{text!r} cannot be a room's name or pattern ({__file__}:")
    assert problem in message


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ("doc:{a}", "doc:{b}", True),
        ("doc:{a}", "doc:7", True),
        ("doc:{a}", "doc:", False),
        ("doc:{a}", "doc:7:x", False),
        ("doc:{a}", "page:{a}", False),
        ("{a}", "lobby", True),
        ("{a}", "doc:{b}", False),
        ("{a}:{b}", "doc:{c}", True),
        ("a{x}", "{x}b", True),
        ("a{x}a", "b{x}b", False),
        ("lobby", "lobby", True),
        ("lobby", "Lobby", False),
        ("{a}-x", "y-{b}", True),
    ],
)
def test_two_patterns_overlap_if_a_name_fits_both(one: str, other: str, overlap: bool) -> None:
    assert RoomPattern(one).overlaps(RoomPattern(other)) is overlap
    assert RoomPattern(other).overlaps(RoomPattern(one)) is overlap


@st.composite
def patterns(draw: st.DrawFn) -> str:
    """Text over a tiny alphabet with at most two parameters, at most five tokens long."""
    tokens = draw(st.lists(st.sampled_from([*ALPHABET, "{x}", "{y}"]), min_size=1, max_size=TOKENS))
    text = "".join(tokens)
    try:
        RoomPattern(text)
    except ConfigurationError:
        return draw(st.sampled_from(["a", "{x}", "a:{x}", "{x}:{y}", "{x}a{y}"]))
    return text


def naive(text: str) -> re.Pattern[str]:
    """What a pattern means, in one line: any way of cutting the name will do."""
    return re.compile(re.sub(r"\\{.\\}", "[^:]+", re.escape(text)))


@cache
def filled(text: str) -> frozenset[str]:
    """Give the names that fit, with each of `FILLINGS` in each parameter's place."""
    parts = re.split(r"\{.\}", text)
    return frozenset(
        parts[0] + "".join(map(add, fillings, parts[1:]))
        for fillings in itertools.product(FILLINGS, repeat=len(parts) - 1)
    )


@given(patterns(), patterns())
@example("abaa{x}", "{x}baba")  # nothing shorter than eight characters fits both
def test_overlap_is_what_filling_in_all_short_texts_finds(one: str, other: str) -> None:
    # In the shortest name that fits both, take a parameter of one that has several characters.
    # Each of them is a character of the other's text or all that one of its parameters has:
    # otherwise it stands in two parameters that both have more, and can be left out. So it has at
    # most as many as the other has tokens. One that is neither `a` nor `b` can be made an `a`.
    found = not filled(one).isdisjoint(filled(other))
    assert RoomPattern(one).overlaps(RoomPattern(other)) is found


@given(patterns())
def test_the_careful_expression_takes_the_names_that_the_naive_one_takes(text: str) -> None:
    pattern, reference = RoomPattern(text), naive(text)
    for name in NAMES:
        texts = pattern.match(name)
        assert (texts is not None) == bool(reference.fullmatch(name))
        if texts is not None:
            assert pattern.fill(texts) == name


@given(st.dictionaries(st.sampled_from(["x", "y"]), st.text(min_size=1), min_size=2))
def test_what_is_filled_in_is_read_back(values: dict[str, Any]) -> None:
    pattern = RoomPattern("a:{x}-{y}")
    try:
        room = pattern.fill(values)
    except ValueError:
        assert ":" in "".join(values.values()) or "-" in values["x"]
    else:
        assert pattern.match(room) == values


def test_a_hostile_name_costs_one_walk() -> None:
    pattern = RoomPattern("{a}-{b}-{c}-{d}-{e}-{f}")
    start = time.process_time()
    assert pattern.match("-" * 256 + ":") is None
    assert time.process_time() - start < 0.5
