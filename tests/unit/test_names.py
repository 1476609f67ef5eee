"""Names and texts of users in generated code."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytesocket_cli.codegen.names import (
    TYPESCRIPT_RESERVED,
    doc_comment,
    event_key,
    event_literal,
    identifier,
    literal,
    one_line,
    property_key,
    quoted,
    unique_identifiers,
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Post", "Post"),
        ("_private", "_private"),
        ("Größe", "Größe"),
        ("admin.User", "AdminUser"),
        ("Page[Cat]", "PageOfCat"),
        ("Pair[A, list[B]]", "PairOfAListOfB"),
        ("7up", "Model7up"),
        ("***", "Model"),
    ],
)
def test_identifiers_keep_words_and_letters(name: str, expected: str) -> None:
    assert identifier(name) == expected


def test_colliding_and_reserved_names_get_a_suffix_and_never_a_number() -> None:
    names = ["admin.User", "AdminUser", "Date", "DateModel", "Post"]
    assert unique_identifiers(names, TYPESCRIPT_RESERVED) == {
        "AdminUser": "AdminUser",
        "Date": "DateModel",
        "DateModel": "DateModelModel",
        "Post": "Post",
        "admin.User": "AdminUserModel",
    }


def test_identifiers_do_not_depend_on_the_order_of_the_names() -> None:
    names = ["b.X", "a.X", "BX", "AX", "Promise"]
    backwards = unique_identifiers(reversed(names), ())
    assert unique_identifiers(names, ()) == backwards


@given(st.lists(st.text(min_size=1)))
def test_identifiers_are_identifiers_and_unique(names: list[str]) -> None:
    chosen = unique_identifiers(names, TYPESCRIPT_RESERVED)
    assert chosen.keys() == set(names)
    assert len(set(chosen.values())) == len(chosen)
    assert all(name.isidentifier() for name in chosen.values())
    assert not TYPESCRIPT_RESERVED & set(chosen.values())


@given(st.text())
def test_a_quoted_text_is_json_on_one_visible_line(text: str) -> None:
    written = quoted(text)
    assert json.loads(written) == text
    assert written.isprintable()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a\u2028b\u202e", '"a\\u2028b\\u202e"'),
        (None, "null"),
        (True, "true"),
        (1.5, "1.5"),
        ([1, ["ü"]], '[1, ["ü"]]'),
        ({}, "{}"),
        ({"a": 1, "b-c": {"__proto__": None}}, '{ a: 1, "b-c": { ["__proto__"]: null } }'),
    ],
)
def test_literals_are_javascript(value: object, expected: str) -> None:
    assert literal(value) == expected


@pytest.mark.parametrize("value", [object(), {1, 2}])
def test_a_value_that_json_does_not_know_is_no_literal(value: object) -> None:
    with pytest.raises(TypeError):
        literal(value)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a", "a"), ("$a_1", "$a_1"), ("class", "class"), ("a-b", '"a-b"'), ("1", '"1"'), ("", '""')],
)
def test_property_keys_are_quoted_where_they_must_be(name: str, expected: str) -> None:
    assert property_key(name) == expected


@pytest.mark.parametrize(
    ("name", "key", "text"),
    [
        ("chat:post", '"chat:post"', '"chat:post"'),
        ("ping", "ping", '"ping"'),
        ("7", '"7"', '"7"'),
        (7, "7", "7"),
        (7.0, "7", "7"),
        (1.5, "1.5", "1.5"),
        (-1, "[-1]", "-1"),
        (1e21, "1e+21", "1e+21"),
    ],
)
def test_event_names_keep_their_kind(name: str | float, key: str, text: str) -> None:
    assert event_key(name) == key
    assert event_literal(name) == text


def test_a_line_comment_ends_where_its_line_ends() -> None:
    assert one_line(" a\r\nb\u2028c\x00\u202ed ") == "a b cd"


def test_no_text_no_comment() -> None:
    assert doc_comment("") == doc_comment(" \n ") == ""


def test_short_comments_stand_on_one_line_and_long_ones_on_their_own() -> None:
    assert doc_comment("One.", "  ") == "  /** One. */\n"
    assert doc_comment("One.\n\nTwo.  ") == "/**\n * One.\n *\n * Two.\n */\n"
    assert doc_comment("", deprecated=True) == "/** @deprecated */\n"
    assert doc_comment("", deprecated="use b") == "/** @deprecated use b */\n"
    assert doc_comment("Old.", deprecated="use\nb") == "/**\n * Old.\n * @deprecated use b\n */\n"
    assert doc_comment("Old.", deprecated=True) == "/**\n * Old.\n * @deprecated\n */\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("*/ alert()", "*\\/ alert()"),
        ("@ts-expect-error", "\\@ ts-expect-error"),
        ("see @ts-ignore", "see @ ts-ignore"),
        (" * @deprecated", "* \\@deprecated"),
        ("mail a@b.c", "mail a@b.c"),
        ("gone. @deprecated", "gone. \\@deprecated"),
        ("(@internal)", "(\\@internal)"),
        ("see {@link Post}", "see {\\@link Post}"),
        ("a\u00a0@example", "a \\@example"),
        ("`@app.on`", "`@app.on`"),
        ("all of docs/**/*.md", "all of docs/**\\/*.md"),
        ("10 @ 5 each", "10 @ 5 each"),
        ("\u202eright to left", "right to left"),
    ],
)
def test_comments_cannot_end_early_or_steer_a_compiler(text: str, shown: str) -> None:
    assert doc_comment(text) == f"/** {shown} */\n"


@given(st.text())
def test_a_comment_never_ends_before_its_end(text: str) -> None:
    comment = doc_comment(text)
    assert comment.count("*/") == (1 if comment else 0)
    assert "@ts-" not in comment
    assert all(line.isprintable() for line in comment.split("\n"))
