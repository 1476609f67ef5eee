"""`docs/protocol.md` says what the code does, and has every place that the code refers to."""

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from bytesocket_app import Settings
from bytesocket_app.contract.shape import ANNOTATIONS
from bytesocket_app.errors import LOCAL_CODES, ErrorCode, Phase, RequestError
from bytesocket_app.serving.endpoint import SUBPROTOCOLS
from bytesocket_app.wire import CloseCode, MessageType, decode
from bytesocket_app.wire.close import FINAL_CODES, is_final
from tests.support.server_process import ROOT

PAGE = (ROOT / "docs" / "protocol.md").read_text()
TREES = ("bytesocket_app", "cli", "templates", "tests")
SUFFIXES = {".html", ".j2", ".js", ".json", ".md", ".mjs", ".py", ".ts"}

_GAP = r"[\s#/*]+"  # a reference may go on in the next line of a comment
_PLACE = r"(?:Q\d+|\d+(?:\.\d+)?)"
_PLACES = rf"{_PLACE}(?:(?:,{_GAP}|{_GAP}(?:and|to){_GAP}){_PLACE})*"
_REFERENCE = re.compile(rf"protocol\.md,?{_GAP}(?:sections?{_GAP})?({_PLACES})")
_SURPRISE = re.compile(rf"\bQ\d+\b(?:{_GAP}to{_GAP}Q\d+\b)?")
_QUOTED = re.compile(rf'protocol\.md{_GAP}section{_GAP}({_PLACE}),{_GAP}"([^"]+)"')
_OWN = re.compile(rf"(?<!RFC \d{{4}} )\b[Ss]ections?{_GAP}({_PLACES})|\(((?:\d+\.\d+))\)")


def headings(page: str) -> set[str]:
    return set(re.findall(r"^#{2,3} (\d+(?:\.\d+)?)\.? ", page, re.MULTILINE))


def surprises(page: str) -> set[str]:
    return set(re.findall(r"^\| (Q\d+) \|", page, re.MULTILINE))


def places(text: str) -> Iterator[str]:
    """The single places of a reference; a range of Q numbers is all of them."""
    single = re.sub(r"[\s#/*]+", " ", text)
    for first, last in re.findall(r"\bQ(\d+) to Q(\d+)", single):
        yield from (f"Q{number}" for number in range(int(first), int(last) + 1))
    for first, last in re.findall(r"(?<![Q\d])(\d+\.\d+) to (\d+\.\d+)", single):
        chapter, start = first.split(".")
        yield from (f"{chapter}.{n}" for n in range(int(start), int(last.split(".")[1]) + 1))
    yield from re.findall(_PLACE, single)


def references(text: str, *, bare: bool = True) -> Iterator[tuple[int, str]]:
    """Line and place of every reference in a file; `Q7` alone is one where `bare`."""
    matches = [(found.start(), found[1]) for found in _REFERENCE.finditer(text)]
    if bare:
        matches += [(found.start(), found[0]) for found in _SURPRISE.finditer(text)]
    for start, named in matches:
        line = text.count("\n", 0, start) + 1
        yield from ((line, place) for place in places(named))


def files() -> Iterator[Path]:
    for tree in TREES:
        for path in sorted((ROOT / tree).rglob("*")):
            own = path != Path(__file__) and "node_modules" not in path.parts
            if own and path.suffix in SUFFIXES and path.is_file():
                yield path


def all_references() -> list[tuple[str, str]]:
    return [
        (f"{path.relative_to(ROOT)}:{line}", place)
        for path in files()
        for line, place in references(path.read_text("utf-8"), bare=path.suffix != ".json")
    ]


def rows(heading: str) -> list[list[str]]:
    """The cells of every table in the section of this number, heads left out."""
    start = re.search(rf"^#{{2,3}} {re.escape(heading)}\.? .*\n", PAGE, re.MULTILINE)
    assert start is not None, heading
    section = re.split(r"^#{2,3} ", PAGE[start.end() :], maxsplit=1, flags=re.MULTILINE)[0]
    lines = [line for line in section.split("\n") if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]


def numbered(heading: str) -> list[list[str]]:
    return [row for row in rows(heading) if row[0].isdigit()]


def test_the_page_has_every_place_that_is_referred_to() -> None:
    known = headings(PAGE) | surprises(PAGE)
    found = all_references()
    assert len(found) >= 60, "the search finds too little"
    missing = sorted({f"{where}: {place}" for where, place in found if place not in known})
    assert not missing, f"docs/protocol.md lacks: {', '.join(missing)}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("protocol.md section 3", {"3"}),
        ("protocol.md 8.5", {"8.5"}),
        ("protocol.md, Q1", {"Q1"}),
        ("protocol.md sections 3 and 9", {"3", "9"}),
        ("protocol.md sections 2 to 5", {"2", "5"}),
        ("protocol.md sections 8.2 to 8.5", {"8.2", "8.3", "8.4", "8.5"}),
        ("# see protocol.md\n# section 99", {"99"}),
        ("Q16 to Q19", {"Q16", "Q17", "Q18", "Q19"}),
        ("Q9, Q16\nto Q18; Q28", {"Q9", "Q16", "Q17", "Q18", "Q28"}),
        ("RFC 6455 section 5.5, quickly", set[str]()),
    ],
)
def test_references_of_all_forms_are_found(text: str, expected: set[str]) -> None:
    assert {place for _, place in references(text)} == expected


def test_a_reference_is_told_with_its_line() -> None:
    assert list(references("one\ntwo (protocol.md section 77)\n")) == [(2, "77")]


def test_quoted_headwords_stand_in_the_section() -> None:
    for path in files():
        for section, word in _QUOTED.findall(path.read_text("utf-8")):
            text = re.split(rf"^## {section}\. ", PAGE, flags=re.MULTILINE)[-1]
            assert f"**{word}.**" in text.split("\n## ")[0], f"{path}: {word}"


def test_the_page_refers_to_no_place_that_it_lacks() -> None:
    named = " ".join(a or b for a, b in _OWN.findall(PAGE))
    assert set(places(named)) <= headings(PAGE)
    assert {place for _, place in references(PAGE)} <= surprises(PAGE)


def test_the_types_have_the_codes_numbers_and_names() -> None:
    used = [row for row in numbered("14.1") if row[2] == "in use"]
    written = {row[1]: int(row[0]) for row in [*numbered("2"), *used]}
    assert written == {kind.name: kind.value for kind in MessageType}
    assert len(written) == len(numbered("2")) + len(used)


def test_reserved_types_are_not_in_use() -> None:
    reserved = [row for row in numbered("14.1") if row[2] == "reserved"]
    assert [int(row[0]) for row in reserved] == [34, 35, 37, 39]
    assert not {row[1] for row in reserved} & set(MessageType.__members__)


def test_the_close_codes_have_the_codes_numbers_and_names() -> None:
    written = {row[1]: int(row[0]) for row in numbered("12")}
    assert written == {name: int(code) for name, code in CloseCode.__members__.items()}


def test_the_final_close_codes_are_the_codes() -> None:
    final = set[int]()
    for row in rows("12")[2:]:
        first, _, last = row[0].partition(" to ")
        assert row[5] in {"", "yes"}
        if row[5]:
            assert row[2] == "server"
            final.update(range(int(first), int(last or first) + 1))
    assert {code for code in range(5000) if is_final(code)} == final == FINAL_CODES


def test_the_phases_are_the_codes() -> None:
    assert {row[0] for row in rows("7")[2:]} == {phase.value for phase in Phase}


def test_the_error_codes_are_one_list_in_the_code_and_on_the_page() -> None:
    listed = [row[0] for row in rows("14.3")[2:]]
    assert listed == [code for code in ErrorCode if code not in LOCAL_CODES]
    after = PAGE.partition("These never travel;")[2].partition("\n\n")[0]
    assert set(re.findall(r"`([a-z_]+)`", after)) == {*LOCAL_CODES, ErrorCode.TIMEOUT}


def test_the_error_of_python_clients_names_each_code_that_they_can_get() -> None:
    told = re.findall(r'"([a-z_]+)"', (RequestError.__doc__ or "").partition("message:")[0])
    made_by_others = [ErrorCode.DISCONNECTED]
    assert told == [code for code in ErrorCode if code not in made_by_others]


def test_the_fingerprint_leaves_out_the_keywords_that_the_page_names() -> None:
    told = PAGE.partition("and in schemas")[2].partition(". Numbers")[0]
    assert set(re.findall(r"`([^`]+)`", told)) == ANNOTATIONS


def test_the_subprotocols_are_the_servers() -> None:
    assert {row[0] for row in rows("1") if row[0].startswith("bytesocket.")} == set(SUBPROTOCOLS)


def test_the_settings_have_these_defaults_and_this_preset() -> None:
    defaults, preset = Settings(), Settings.drop_in()
    settings = [row for row in rows("10") if "." in row[0]]
    assert len(settings) > 20
    for name, default, dropped_in, _ in settings:
        theme, _, key = name.partition(".")
        for text, made in ((default, defaults), (dropped_in, preset)):
            value = getattr(getattr(made, theme.lower()), key)
            assert ast.literal_eval(text) == value, f"{name} is {value!r}, not {text}"


def test_what_the_preset_changes_is_in_the_table() -> None:
    defaults, preset = Settings(), Settings.drop_in()
    written = {row[0] for row in rows("10")}
    for theme in ("timeouts", "limits", "policies"):
        ours, theirs = getattr(defaults, theme), getattr(preset, theme)
        for each in fields(ours):
            if getattr(ours, each.name) != getattr(theirs, each.name):
                assert f"{theme.capitalize()}.{each.name}" in written


def test_the_example_of_bundled_text_is_read_as_the_page_says() -> None:
    block = re.search(r"^```hex\n(.*?)^```\n\nThat is `(.*?)`", PAGE, re.MULTILINE | re.DOTALL)
    assert block is not None
    digits = "".join(re.findall(r"^(?:[0-9a-f]{2} +)*[0-9a-f]{2}\b", block[1], re.MULTILINE))
    assert decode(bytes.fromhex(digits), is_binary=True) == json.loads(block[2])
