"""Reading and filling packaged templates."""

from pathlib import Path

import pytest
from jinja2 import UndefinedError

from bytesocket_cli.codegen import render as module
from bytesocket_cli.codegen.render import read, render


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A templates package of the test's own."""

    def files(name: str) -> Path:
        assert name == "bytesocket_templates"
        return tmp_path

    monkeypatch.setattr(module, "files", files)
    return tmp_path


def test_the_packaged_runtime_can_be_read() -> None:
    assert "function createClient(" in read("typescript/runtime.ts")


def test_a_missing_template_is_named() -> None:
    with pytest.raises(FileNotFoundError, match=r"no file 'typescript/none\.ts'"):
        read("typescript/none.ts")


def test_line_ends_are_line_feeds_whatever_the_checkout_made_of_them(package: Path) -> None:
    (package / "a.txt").write_bytes(b"one\r\ntwo\r\n")
    assert read("a.txt") == "one\ntwo\n"


def test_values_are_inserted_as_they_are(package: Path) -> None:
    (package / "a.j2").write_text("{{ a }}\n{% if a %}\nyes\n{% endif %}\nend\n")
    assert render("a.j2", {"a": "<b> {{ a }} &"}) == "<b> {{ a }} &\nyes\nend\n"


def test_a_missing_value_is_an_error(package: Path) -> None:
    (package / "a.j2").write_text("{{ missing }}")
    with pytest.raises(UndefinedError, match="missing"):
        render("a.j2", {})
