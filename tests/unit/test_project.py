"""`[tool.bytesocket]`: found, read, and refused where it is wrong."""

from pathlib import Path

import pytest

from bytesocket_cli.errors import CliError
from bytesocket_cli.project import Generation, Project, find

SETTINGS = """
[tool.bytesocket]
app = "chat.app:app"
backend = "trio"

[[tool.bytesocket.generate]]
target = "javascript"
output = "chat/client.js"
"""


def write(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(text)
    return folder


def test_the_settings_are_read_with_paths_from_their_file(tmp_path: Path) -> None:
    write(tmp_path, SETTINGS)
    generation = Generation("javascript", tmp_path / "chat/client.js")
    assert find(tmp_path) == Project(tmp_path, "chat.app:app", "trio", (generation,))


def test_types_may_be_for_a_package(tmp_path: Path) -> None:
    for_package = 'target = "typescript"\nfor = "bytesocket-client"\noutput = "x.ts"'
    write(tmp_path, f"[[tool.bytesocket.generate]]\n{for_package}")
    (generation,) = find(tmp_path).generations
    assert generation.package == "bytesocket-client"


def test_a_client_may_be_for_a_peer(tmp_path: Path) -> None:
    for_peer = 'target = "javascript"\npeer = "bytesocket-node"\noutput = "x.js"'
    write(tmp_path, f"[[tool.bytesocket.generate]]\n{for_peer}")
    (generation,) = find(tmp_path).generations
    assert generation.peer == "bytesocket-node"


def test_a_file_or_folder_inside_belongs_to_the_project(tmp_path: Path) -> None:
    write(tmp_path, SETTINGS)
    inner = tmp_path / "chat" / "deep"
    inner.mkdir(parents=True)
    (inner / "app.py").touch()
    assert find(inner / "app.py").directory == tmp_path
    assert find(inner).directory == tmp_path


def test_the_pyproject_of_something_else_makes_no_project(tmp_path: Path) -> None:
    write(tmp_path, "[project]\nname = 'other'\n")
    inner = tmp_path / "examples"
    inner.mkdir()
    assert find(inner) == Project(inner)


def test_without_any_pyproject_the_folder_is_the_project(tmp_path: Path) -> None:
    assert find(tmp_path) == Project(tmp_path)


def test_src_is_an_import_path_where_it_exists(tmp_path: Path) -> None:
    assert Project(tmp_path).import_paths == (tmp_path,)
    (tmp_path / "src").mkdir()
    assert Project(tmp_path).import_paths == (tmp_path, tmp_path / "src")


WRONG = {
    "ap = 1": "unknown setting 'ap'",
    "app = 1": "app must be a string",
    "backend = 'curio'": "not 'curio'",
    "generate = 1": "generate must be tables",
    "generate = [1]": "generate must be tables",
    "generate = [{target = 'php', output = 'x'}]": "not 'php'",
    "generate = [{target = 'python'}]": 'target "python" needs an output',
    "generate = [{target = 'python', output = 'x', out = 'y'}]": "unknown setting 'out'",
    "generate = [{target = 'python', output = 'x', for = 'bytesocket-client'}]": "for = ",
    "generate = [{target = 'typescript', output = 'x', for = 'other'}]": "for = ",
    "generate = [{target = 'typescript', output = 'x', peer = 'node'}]": (
        "peer must be one of bytesocket, bytesocket-node, not 'node'"
    ),
    "generate = [{target = 'python', output = 'x', peer = 'bytesocket-node'}]": "is not needed",
    "generate = [{target = 'asyncapi', output = 'x', peer = 'bytesocket-node'}]": "goes with",
    "generate = [{target = 'typescript', output = 'x', peer = []}]": "not []",
}


@pytest.mark.parametrize(("line", "problem"), WRONG.items())
def test_a_wrong_setting_is_named_with_its_file(tmp_path: Path, line: str, problem: str) -> None:
    write(tmp_path, f"[tool.bytesocket]\n{line}\n")
    with pytest.raises(CliError) as caught:
        find(tmp_path)
    assert problem in str(caught.value)
    assert str(tmp_path / "pyproject.toml") in str(caught.value)


def test_a_table_that_is_none_is_named(tmp_path: Path) -> None:
    write(tmp_path, "[tool]\nbytesocket = 1\n")
    with pytest.raises(CliError, match="must be a table"):
        find(tmp_path)


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    write(tmp_path, "[tool.bytesocket\n")
    with pytest.raises(CliError, match=r"pyproject\.toml: not valid TOML"):
        find(tmp_path)


def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, SETTINGS)

    def refuse(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", refuse)  # as root, no mode forbids reading
    with pytest.raises(CliError, match=r"pyproject\.toml: cannot be read: Permission denied"):
        find(tmp_path)


def test_a_byte_order_mark_is_read_over(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(SETTINGS, encoding="utf-8-sig")
    assert find(tmp_path).app == "chat.app:app"
