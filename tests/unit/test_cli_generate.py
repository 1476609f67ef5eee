"""`generate`: from an application or a saved contract, to files, to a check, to stdout."""

import json
from pathlib import Path

import pytest

from bytesocket_cli.generation import text
from tests.support.command_line import CommandLine
from tests.support.contracts import chat
from tests.support.server_process import APP

SETTINGS = """
[tool.bytesocket]
app = "app:app"
[[tool.bytesocket.generate]]
target = "contract"
output = "contract.json"
[[tool.bytesocket.generate]]
target = "javascript"
output = "static/client.js"
"""


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    made = CommandLine(tmp_path, monkeypatch, capsys)
    made.write("app.py", APP)
    return made


@pytest.mark.parametrize("language", ["typescript", "python", "contract"])
def test_a_client_is_written_and_is_then_current(run: CommandLine, language: str) -> None:
    first = run("generate", language, "-o", "out/file")
    assert (first.code, first.out) == (0, f"wrote {Path('out/file')}\n")
    assert (run.folder / "out/file").read_text().strip()
    again = run("generate", language, "-o", "out/file")
    assert again.out == f"current {Path('out/file')}\n"
    assert run("generate", language, "-o", "out/file", "--check").code == 0


def test_javascript_writes_its_types_too(run: CommandLine) -> None:
    done = run("generate", "javascript", "app:app", "--output", "client.js")
    assert done.out == "wrote client.js\nwrote client.d.ts\n"


def test_a_saved_contract_is_enough(run: CommandLine) -> None:
    run.write("chat.json", text(chat(), "contract"))
    (run.folder / "app.py").unlink()
    done = run("generate", "typescript", "chat.json", "--stdout")
    assert done.out == text(chat(), "typescript")


def test_stdout_has_the_text_and_nothing_else(run: CommandLine) -> None:
    run.write("app.py", "print('noise')\n" + APP)
    done = run("generate", "contract", "--stdout")
    assert json.loads(done.out)["title"] == "Talk"


def test_without_arguments_everything_configured_is_written(run: CommandLine) -> None:
    run.write("pyproject.toml", SETTINGS)
    done = run("generate")
    names = ("contract.json", "static/client.js", "static/client.d.ts")
    assert done.out == "".join(f"wrote {Path(name)}\n" for name in names)
    assert run("generate", "--check").code == 0


def test_a_language_alone_goes_where_it_is_configured(run: CommandLine) -> None:
    run.write("pyproject.toml", SETTINGS)
    assert run("generate", "contract").out == "wrote contract.json\n"


def test_a_check_shows_the_difference_and_writes_nothing(run: CommandLine) -> None:
    run("generate", "contract", "-o", "contract.json")
    path = run.folder / "contract.json"
    path.write_text(path.read_text().replace('"Talk"', '"Walk"'))
    before = path.read_bytes()
    done = run("generate", "contract", "-o", "contract.json", "--check")
    assert done.code == 1
    assert '-  "title": "Walk",' in done.out
    assert '+  "title": "Talk",' in done.out
    assert "error: not current: contract.json" in done.err
    assert path.read_bytes() == before


def test_a_check_of_a_missing_file_is_a_finding(run: CommandLine) -> None:
    assert run("generate", "contract", "-o", "contract.json", "--check").code == 1
    assert not (run.folder / "contract.json").exists()


WRONG = {
    ("generate", "typescript"): "where to? generate typescript -o FILE, or --stdout",
    ("generate",): "nothing to generate",
    ("generate", "-o", "x.ts"): "-o needs to know what to write there",
    ("generate", "--stdout"): "--stdout prints one language",
    ("generate", "python", "--stdout", "--check"): "--stdout prints one language",
    ("generate", "python", "-o", "."): "is a folder",
    ("generate", "javascript", "-o", "x.ts"): "JavaScript goes into a file",
    ("generate", "python", "missing.json", "-o", "x.py"): "cannot read missing.json",
    ("generate", "python", "ap:app", "-o", "x.py"): "did you mean app?",
    ("generate", "pyton"): "pyton",
}


@pytest.mark.parametrize(("arguments", "message"), WRONG.items())
def test_wrong_usage_is_one_message_and_code_2(
    run: CommandLine, arguments: tuple[str, ...], message: str
) -> None:
    done = run(*arguments)
    assert done.code == 2
    assert message in done.err
    assert done.out == ""


def test_a_place_elsewhere_is_shown_whole(
    run: CommandLine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("elsewhere") / "contract.json"
    assert run("generate", "contract", "-o", str(place)).out == f"wrote {place}\n"
