"""A contract to files: which files, and what is in them."""

import json
from pathlib import Path

import pytest

from bytesocket_cli.codegen.python import python
from bytesocket_cli.codegen.typescript import javascript, typescript
from bytesocket_cli.errors import CliError
from bytesocket_cli.generation import files, outputs, text
from bytesocket_cli.project import Generation, Language
from tests.support.contracts import chat

LANGUAGES: dict[Language, str] = {
    "typescript": typescript(chat()),
    "javascript": javascript(chat())[0],
    "python": python(chat()),
}


@pytest.mark.parametrize(("language", "expected"), LANGUAGES.items())
def test_each_language_has_its_generator(language: Language, expected: str) -> None:
    assert text(chat(), language) == expected


def test_a_contract_is_written_in_its_canonical_form() -> None:
    written = text(chat(), "contract")
    assert json.loads(written) == chat()
    assert written == json.dumps(chat(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def test_one_language_is_one_file(tmp_path: Path) -> None:
    generation = Generation("python", tmp_path / "client.py")
    (file,) = files(chat(), generation)
    assert (file.path, file.content.decode()) == (tmp_path / "client.py", LANGUAGES["python"])
    assert outputs(generation) == [file.path]


@pytest.mark.parametrize(("name", "types"), [("c.js", "c.d.ts"), ("c.mjs", "c.d.mts")])
def test_javascript_has_its_types_beside_it(tmp_path: Path, name: str, types: str) -> None:
    generation = Generation("javascript", tmp_path / name)
    module, declarations = files(chat(), generation)
    assert (module.content.decode(), declarations.content.decode()) == javascript(chat())
    assert [module.path.name, declarations.path.name] == [name, types]
    assert outputs(generation) == [module.path, declarations.path]


def test_javascript_in_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CliError, match=r"client\.ts: JavaScript goes into a file that ends in"):
        files(chat(), Generation("javascript", tmp_path / "client.ts"))
