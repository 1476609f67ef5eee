"""`generate`: from an application or a saved contract, to files, to a check, to stdout."""

import json
import re
import shlex
from pathlib import Path

import pytest

from bytesocket_cli.generation import text
from tests.support.command_line import CommandLine
from tests.support.contracts import chat, sealed
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
[[tool.bytesocket.generate]]
target = "asyncapi"
output = "asyncapi.json"
[[tool.bytesocket.generate]]
target = "typescript"
for = "bytesocket-client"
output = "web/events.ts"
"""

CONFIGURED = (
    *("contract.json", "static/client.js", "static/client.d.ts"),
    *("asyncapi.json", "web/events.ts"),
)


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    made = CommandLine(tmp_path, monkeypatch, capsys)
    made.write("app.py", APP)
    return made


@pytest.mark.parametrize("language", ["typescript", "python", "asyncapi", "contract"])
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


def test_a_saved_contract_may_be_all_that_a_project_has(run: CommandLine) -> None:
    (run.folder / "app.py").unlink()
    run.write("shared/chat.json", text(chat(), "contract"))
    settings = SETTINGS.replace('"app:app"', '"shared/chat.json"')
    run.write("pyproject.toml", settings)
    assert run("generate").out == "".join(f"wrote {Path(name)}\n" for name in CONFIGURED)
    assert (run.folder / "contract.json").read_text() == text(chat(), "contract")
    assert "chat:posted" in run("events").out


def test_stdout_has_the_text_and_nothing_else(run: CommandLine) -> None:
    run.write("app.py", "print('noise')\n" + APP)
    done = run("generate", "contract", "--stdout")
    assert json.loads(done.out)["title"] == "Talk"


def test_without_arguments_everything_configured_is_written(run: CommandLine) -> None:
    run.write("pyproject.toml", SETTINGS)
    done = run("generate")
    assert done.out == "".join(f"wrote {Path(name)}\n" for name in CONFIGURED)
    assert 'from "@bytesocket/client"' in (run.folder / "web/events.ts").read_text()
    checked = run("generate", "--check")
    assert checked.code == 0
    assert checked.out == "".join(f"current {Path(name)}\n" for name in CONFIGURED)


def test_a_check_of_everything_names_each_file_that_is_not_current(run: CommandLine) -> None:
    run.write("pyproject.toml", SETTINGS)
    run("generate")
    run.write("app.py", APP.replace('title="Talk"', 'title="Walk"'))
    (run.folder / "asyncapi.json").unlink()
    done = run("generate", "--check")
    assert done.code == 1
    assert f"not current: {', '.join(CONFIGURED)}" in done.err
    assert "--- contract.json" in done.out
    assert "--- /dev/null" in done.out
    assert not (run.folder / "asyncapi.json").exists()


def test_types_for_a_package_are_printed(run: CommandLine) -> None:
    done = run("generate", "typescript", "--for", "bytesocket-client", "--stdout")
    assert "export interface SocketEvents extends Base {" in done.out
    assert "export function connect" not in done.out


PEERS = """
[tool.bytesocket]
app = "app:app"

[[tool.bytesocket.generate]]
target = "typescript"
output = "ours.ts"

[[tool.bytesocket.generate]]
target = "typescript"
peer = "bytesocket-node"
output = "theirs.ts"
"""


def test_a_client_for_the_origin_s_servers_is_written_where_the_flag_or_a_setting_asks(
    run: CommandLine,
) -> None:
    run.write("pyproject.toml", PEERS)
    assert run("generate").out == "wrote ours.ts\nwrote theirs.ts\n"
    ours, theirs = ((run.folder / name).read_text() for name in ("ours.ts", "theirs.ts"))
    assert "as @bytesocket/node writes it" in theirs
    assert "as @bytesocket/node writes it" not in ours
    assert " - for bytesocket-node - generated, do not edit" in theirs.splitlines()[0]
    assert theirs.count("function unpack(") == 1
    flag = ("--peer", "bytesocket-node")
    assert run("generate", "typescript", *flag, "--check").out == "current theirs.ts\n"
    assert run("generate", "typescript", *flag, "--stdout").out == theirs
    assert run("generate", "typescript", *flag, "-o", "ours.ts", "--check").code == 1
    assert run("generate", "typescript", "--peer", "bytesocket", "--check").out == (
        "current ours.ts\n"
    )
    assert run("generate", "javascript", *flag, "-o", "c.js").code == 0
    assert "as @bytesocket/node writes it" in (run.folder / "c.js").read_text()
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


@pytest.mark.parametrize(
    "command",
    [
        ("typescript", "-o", "client.ts"),
        ("python", "app.py", "-o", "my client.py"),
        ("typescript", "-o", "types.ts", "--for", "bytesocket-client"),
    ],
)
def test_a_check_names_the_whole_command_that_writes_the_file_again(
    run: CommandLine, command: tuple[str, ...]
) -> None:
    done = run("generate", *command, "--check")
    assert done.code == 1
    again = done.err.partition("; write again with ")[2].strip()
    assert shlex.split(again) == ["bytesocket", "generate", *command]
    assert run(*shlex.split(again)[1:]).code == 0
    assert run("generate", *command, "--check").code == 0


def test_a_check_names_the_command_of_each_configured_file(run: CommandLine) -> None:
    run.write("pyproject.toml", SETTINGS)
    done = run("generate", "--check")
    for again in done.err.partition("; write again with ")[2].split(" && "):
        assert run(*shlex.split(again)[1:]).code == 0
    assert run("generate", "--check").code == 0


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
    (
        "generate",
        "python",
        "--for",
        "bytesocket-client",
        "-o",
        "x.py",
    ): "--for goes with typescript",
    ("generate", "typescript", "--peer", "node", "-o", "x.ts"): "'bytesocket', 'bytesocket-node'",
    ("generate", "python", "--peer", "bytesocket-node", "-o", "x.py"): "read it anyway",
    ("generate", "contract", "--peer", "bytesocket-node", "-o", "x"): "typescript and javascript",
    (
        *("generate", "typescript", "--peer", "bytesocket-node"),
        *("--for", "bytesocket-client", "-o", "x.ts"),
    ): "only types are written",
    ("generate", "--watch", "--check", "python", "-o", "x.py"): "choose one",
    ("generate", "python", "--watch", "--stdout"): "--stdout prints one language",
    ("generate", "python", "none.json", "-o", "x.py", "--watch"): "cannot read none.json",
    ("generate", "python", "-o", "app.py/x.py"): "a part of its path is a file",
}


@pytest.mark.parametrize(("arguments", "message"), WRONG.items())
def test_wrong_usage_is_one_message_and_code_2(
    run: CommandLine, arguments: tuple[str, ...], message: str
) -> None:
    done = run(*arguments)
    assert done.code == 2
    assert message in done.err
    assert done.out == ""


NOT_CONTRACTS = {
    "{": "is not JSON (line 1, column 2",
    "[]": "its JSON is no object",
    '{"title": "x"}': "it lacks `auth`",
    json.dumps({**chat(), "format": 2}): "has format 2, and this bytesocket reads up to 1",
    json.dumps({**chat(), "serialization": "json"}): "was changed since it was written",
}


@pytest.mark.parametrize(
    "command",
    [
        "generate python broken.json -o x.py",
        "generate contract broken.json -o x.py --check",
        "events broken.json",
    ],
)
@pytest.mark.parametrize(("content", "message"), NOT_CONTRACTS.items(), ids=NOT_CONTRACTS.values())
def test_a_file_that_is_no_contract_of_ours_is_refused_and_nothing_is_written(
    run: CommandLine, command: str, content: str, message: str
) -> None:
    run.write("broken.json", content)
    done = run(*command.split())
    assert (done.code, done.out) == (2, "")
    assert "broken.json" in done.err
    assert message in done.err
    assert not (run.folder / "x.py").exists()


def test_when_one_file_cannot_be_written_none_is(run: CommandLine) -> None:
    run.write("pyproject.toml", SETTINGS)
    (run.folder / "web/events.ts").mkdir(parents=True)
    before = sorted(run.folder.rglob("*"))
    done = run("generate")
    assert done.code == 2
    assert "web/events.ts is a folder" in done.err
    assert sorted(run.folder.rglob("*")) == before


def test_a_contract_that_cannot_be_typescript_leaves_the_file_as_it_was(run: CommandLine) -> None:
    document = chat()
    document["events"] += [{**document["events"][0], "name": name} for name in (7, "7")]
    run.write("seven.json", json.dumps(sealed(document)))
    run.write("client.ts", "before")
    for more in ((), ("--for", "bytesocket-client")):
        done = run("generate", "typescript", "seven.json", "-o", "client.ts", *more)
        assert done.code == 2
        assert 'an event 7 and an event "7"' in done.err
    assert (run.folder / "client.ts").read_text() == "before"


def test_a_place_elsewhere_is_shown_whole(
    run: CommandLine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("elsewhere") / "contract.json"
    assert run("generate", "contract", "-o", str(place)).out == f"wrote {place}\n"


TWINS = """
from bytesocket_app import ByteSocket, ServerEvent

class UserLeft(ServerEvent, name="user-left"{chosen}):
    user: str

app = ByteSocket(title="Twins", events=[UserLeft])
app.declare("user:left", str, direction="server")
"""


def test_two_events_of_one_class_name_are_named_with_their_places(run: CommandLine) -> None:
    run.write("twins.py", TWINS.format(chosen=""))
    done = run("generate", "python", "twins:app", "-o", "client.py")
    assert done.code == 2
    assert re.search(
        r"event 'user-left' \(.*twins\.py:4\) and event 'user:left' \(.*twins\.py:8\) would both",
        done.err,
    )
    assert 'class_name="..."' in done.err
    assert not (run.folder / "client.py").exists()
    assert run("generate", "typescript", "twins:app", "--stdout").code == 0


def test_a_chosen_class_name_settles_it(run: CommandLine) -> None:
    run.write("chosen.py", TWINS.format(chosen=', class_name="UserHasLeft"'))
    done = run("generate", "python", "chosen:app", "--stdout")
    assert done.code == 0
    assert 'class UserHasLeft(_bs.Model, _bs.ServerEvent, _Arriving, name="user-left"):' in done.out
    assert "class UserLeft(_bs.ServerEvent, " in done.out
