"""Names and text in Python source."""

import ast

import pytest

from bytesocket_cli.codegen.python_names import (
    class_name,
    comment,
    docstring,
    field_names,
    literal,
    member_names,
    pascal,
    room_class_name,
)

HOSTILE = ['"""', "\\", "a\nb", "\u2028", "\x00", '"', "'", "${x}", "\u202e", "é中", ""]


@pytest.mark.parametrize(
    ("text", "name"),
    [("chat:post", "ChatPost"), ("My app", "MyApp"), ("HTTPReply", "HTTPReply"), ("!", "")],
)
def test_words_become_one_name(text: str, name: str) -> None:
    assert pascal(text) == name


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("lobby", "LobbyRoom"),
        ("doc:{doc_id}", "DocRoom"),
        ("{a}", "Room"),
        ("3d:{x}", "The3dRoom"),
    ],
)
def test_rooms_are_named_after_their_fixed_words(pattern: str, name: str) -> None:
    assert room_class_name(pattern) == name


def test_a_name_that_starts_badly_is_prefixed() -> None:
    assert class_name("3D chat", "Client") == "The3DChatClient"


@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        ("type", "type"),
        ("class", "class_"),
        ("json", "json_"),
        ("model_fields", "model_fields_"),
        ("_x", "x"),
        ("__", "field"),
        ("3d", "field_3d"),
        ("a b", "a_b"),
        ("taken", "taken_"),
        ("été", "été"),
    ],
)
def test_fields_keep_their_names_where_python_allows(name: str, attribute: str) -> None:
    assert field_names([name], {"taken"}) == {name: attribute}


@pytest.mark.parametrize(
    ("name", "member"),
    [
        ("RED", "RED"),
        ("title", "title_"),
        ("name", "name_"),
        ("None", "None_"),
        ("+1", "member_1"),
        ("", "member"),
    ],
)
def test_members_keep_the_methods_of_text(name: str, member: str) -> None:
    assert member_names([name]) == {name: member}


@pytest.mark.parametrize("text", HOSTILE)
def test_literals_read_back_as_they_were(text: str) -> None:
    assert ast.literal_eval(literal(text)) == text
    assert literal(text).isprintable()


def test_other_values_are_literals_too() -> None:
    assert [literal(value) for value in (1, -1.5, True, None)] == ["1", "-1.5", "True", "None"]


@pytest.mark.parametrize("text", [*HOSTILE, "one\n\n  two\n\n", 'ends with "', '"""\n"""', "x\n\\"])
def test_docstrings_cannot_end_themselves(text: str) -> None:
    lines = docstring(text, "    ")
    source = "\n".join(["class A:", *lines, "    x = 1"])
    (parsed,) = ast.parse(source).body
    assert isinstance(parsed, ast.ClassDef)
    assert len(parsed.body) == (2 if lines else 1)
    assert all(line == line.rstrip() for line in lines)


def test_comments_end_with_their_line() -> None:
    assert comment("a\nb\u2028c") == "# a b c"
