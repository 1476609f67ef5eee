"""The README is run: its programs as they stand, its commands by those who try them for real."""

import re
import shlex
import subprocess
import sys
import tomllib
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, cast

import pytest

from bytesocket_app.wire import decode
from tests.support.brokers import running_broker
from tests.support.node import run_node, type_check
from tests.support.raw_peer import BINARY
from tests.support.server_process import (
    DEADLINE,
    ROOT,
    RudePeer,
    bytesocket,
    environment,
    serving,
)

README = (ROOT / "README.md").read_text()
BLOCKS: list[tuple[str, str]] = re.findall(r"^```(\w+)\n(.*?)^```", README, re.M | re.S)
PROGRAMS = {
    text.split("\n", 1)[0].lstrip("#/ "): text
    for language, text in BLOCKS
    if language in {"python", "typescript"}
}

VENV = "python3 -m venv .venv && "
SEE = VENV + ".venv/bin/pip install . && .venv/bin/bytesocket dev examples/chat"
CHANGE = VENV + ".venv/bin/pip install -e '.[test]' && .venv/bin/pytest"

RUN = "run app.py --workers 2"
EMIT = """emit chat:posted '{"text": "hi"}' app.py --room lobby"""
ENGINE = "redis://localhost:6379"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The README's programs in a folder, with the clients that it says to generate."""
    folder = tmp_path_factory.mktemp("readme")
    for name, text in PROGRAMS.items():
        (folder / name).write_text(text)
    for command in ("generate python -o talk.py", "generate typescript -o talk.ts"):
        done = bytesocket(*command.split(), "app:app", cwd=folder)
        assert done.returncode == 0, done.stderr
    return folder


def python(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=4 * DEADLINE,  # a type checker's, without a cache, on a busy machine
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def heard(peer: RudePeer) -> dict[str, Any]:
    """Return the next message to a peer."""
    opcode, payload = peer.receive()
    return cast("dict[str, Any]", decode(payload, opcode == BINARY))


def test_every_block_is_run_by_a_test() -> None:
    programs = {"app.py", "hear.py", "hear.ts", "test_app.py", "guarded.py", "inside.py"}
    programs |= {"countdown.py", "test_countdown.py", "people.py", "nightly.py"}
    assert set(PROGRAMS) == programs
    commands = [
        line for language, text in BLOCKS if language == "console" for line in text.split("\n")
    ]
    assert [c for c in commands if c] == [
        f"$ {SEE}",  # .ci/run, below; test_chat_page
        f"$ {CHANGE}",  # .ci/run, below
        "$ bytesocket new hello && cd hello && bytesocket dev",  # test_new_project, test_dev_server
        "$ bytesocket dev app.py",  # below
        "$ bytesocket generate python -o talk.py",  # below
        "$ bytesocket generate typescript -o talk.ts",  # below
        "$ pip install 'bytesocket[redis]'",
        f"$ bytesocket {RUN} --engine {ENGINE}",  # below
        f"$ bytesocket {EMIT} --engine {ENGINE}",  # below
    ]


def test_the_check_script_runs_the_two_commands_as_they_stand() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    assert f"{CHANGE}\n" in script
    assert f"{SEE}\n" in script


def test_the_picture_has_every_layer() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())
    layers = config["tool"]["importlinter"]["contracts"][0]["layers"]
    picture = next(text for language, text in BLOCKS if language == "text")
    for name in " | ".join(layers).split(" | "):
        assert re.search(rf"\b{name}\b", picture), name


def test_the_two_clients_talk_to_the_app(folder: Path) -> None:
    with serving("dev", "app.py", "--port", "0", "--no-reload", cwd=folder) as server:
        for name in ("hear.py", "hear.ts"):
            text = PROGRAMS[name].replace("127.0.0.1:8000", f"127.0.0.1:{server.port}")
            (folder / f"try_{name}").write_text(text)
        assert sorted(python(folder, "try_hear.py").split()) == ["5", "hello"]
        heard = run_node(folder / "try_hear.ts", cwd=folder)
        assert heard.stdout.split() == ["hello", "5"], heard.stderr


def test_the_programs_pass_the_type_checkers(folder: Path, node_packages: Path) -> None:
    (folder / "package.json").write_text('{"type": "module"}')
    assert type_check(folder, "7.0") == ""
    python(
        folder,
        "-m",
        "mypy",
        "--strict",
        "--cache-dir",
        "mypy",
        "hear.py",
        "guarded.py",
        "inside.py",
        "countdown.py",
        "people.py",
        "nightly.py",
    )


def test_the_tests_pass(folder: Path) -> None:
    tests = "test_app.py", "test_countdown.py"
    python(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests)


def test_two_workers_and_other_programs_reach_everybody_in_the_room(folder: Path) -> None:
    with running_broker("valkey-9.1") as broker:
        command = (*shlex.split(RUN), "--host", "127.0.0.1", "--port", "0", "--engine", broker.url)
        with serving(*command, cwd=folder) as server, ExitStack() as stack:
            peers = [stack.enter_context(closing(RudePeer(server.port))) for _ in range(20)]
            for peer in peers:
                peer.send({"type": 9, "room": "lobby"})
                assert heard(peer) == {"type": 10, "room": "lobby"}
            peers[0].send({"event": "chat:post", "data": {"text": "hello"}})
            assert [heard(peer)["data"]["text"] for peer in peers] == ["hello"] * 20
            nightly = PROGRAMS["nightly.py"].replace(ENGINE, broker.url)
            (folder / "try_nightly.py").write_text(nightly)
            python(folder, "try_nightly.py")
            assert [heard(peer)["data"]["text"] for peer in peers] == ["good night"] * 20
            done = bytesocket(*shlex.split(EMIT), "--engine", broker.url, cwd=folder)
            assert done.returncode == 0, done.stderr
            assert [heard(peer)["data"]["text"] for peer in peers] == ["hi"] * 20


def test_a_document_tells_who_is_there(folder: Path) -> None:
    (folder / "try_people.py").write_text(
        "import anyio\n"
        "from people import app, doc\n"
        "from bytesocket_app import Settings, Timeouts\n"
        "from bytesocket_app.testing import TestClient, virtual_clock\n"
        "async def main():\n"
        "    with virtual_clock(app) as clock:\n"
        "        async with TestClient(app, 'ann') as a, TestClient(app, 'bob') as b:\n"
        "            await a.join('doc:7')\n"
        "            await b.join('doc:7')\n"
        "            print(sorted(await doc.presence.of(doc_id=7)))\n"
        "            await b.leave('doc:7')\n"
        "            await clock.elapse(3)\n"
        "            print(await doc.presence.of(doc_id=7))\n"
        "anyio.run(main)\n"
    )
    assert python(folder, "try_people.py").splitlines() == [
        "['ann', 'bob']",
        "bob left 7 to ['ann']",
        "{'ann': [Person(name='Ann', typing=False)]}",
    ]


def test_the_guarded_room_refuses_and_counts(folder: Path) -> None:
    (folder / "try_guard.py").write_text(
        "import anyio\n"
        "from guarded import Reaction, app\n"
        "from bytesocket_app.testing import RequestError, TestClient\n"
        "async def main():\n"
        "    good = {'token': 'secret'}\n"
        "    async with TestClient(app, good) as a, TestClient(app, good) as b:\n"
        "        await a.join('doc:7')\n"
        "        await b.join('doc:7')\n"
        "        await a.emit(Reaction(emoji='x'), room='doc:7')\n"
        "        print(await b.receive(Reaction))\n"
        "        for room in ('doc:13', 'doc:x'):\n"
        "            try:\n"
        "                await a.join(room)\n"
        "            except RequestError as refused:\n"
        "                print(refused.code)\n"
        "    try:\n"
        "        await TestClient(app, {'token': 'bad'}).__aenter__()\n"
        "    except RequestError as refused:\n"
        "        print(refused.message)\n"
        "anyio.run(main)\n"
    )
    assert python(folder, "try_guard.py").splitlines() == [
        "Ann opened 7, now 1",
        "Ann opened 7, now 2",
        "emoji='x'",
        "locked",
        "invalid",
        "Unknown token.",
    ]


def test_an_order_inside_fastapi_reaches_all_tabs_of_its_user(folder: Path) -> None:
    (folder / "try_inside.py").write_text(
        "import anyio\n"
        "from inside import Order, Placed, app\n"
        "from bytesocket_app.testing import RequestError, TestClient\n"
        "async def main():\n"
        "    ann, bob = {'cookie': 'user=ann'}, {'cookie': 'user=bob'}\n"
        "    async with (\n"
        "        TestClient(app, headers=ann) as one,\n"
        "        TestClient(app, headers=ann) as two,\n"
        "        TestClient(app, headers=bob) as other,\n"
        "    ):\n"
        "        await one.emit(Order(item='tea'))\n"
        "        print(await one.receive(Placed), await two.receive(Placed))\n"
        "        await other.send({'type': 12, 'room': 'x'})\n"
        "        print(await other.receive_message())\n"
        "    try:\n"
        "        await TestClient(app).__aenter__()\n"
        "    except RequestError as refused:\n"
        "        print(refused.code)\n"
        "anyio.run(main)\n"
    )
    assert python(folder, "try_inside.py").splitlines() == [
        "number=6 number=6",
        "{'type': 13, 'room': 'x'}",
        "401",
    ]
