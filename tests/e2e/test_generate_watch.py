"""`generate --watch` as a person uses it: save, break, mend, Ctrl-C."""

import json
import os
from pathlib import Path

import pytest

from tests.support.contracts import chat, sealed
from tests.support.server_process import APP, serving


def test_files_follow_the_application_and_survive_its_errors(tmp_path: Path) -> None:
    app, client = tmp_path / "app.py", tmp_path / "client.ts"
    app.write_text(APP)
    with serving("generate", "typescript", "-o", "client.ts", "--watch", cwd=tmp_path) as process:
        process.wait_for("wrote client.ts")
        assert "chat:posted" in client.read_text()
        written = client.stat().st_mtime_ns

        app.write_text(f"# A comment changes no contract.\n{APP}")
        process.wait_for("current client.ts")
        assert client.stat().st_mtime_ns == written

        app.write_text(APP.replace("class Posted(", "class Posted(:"))
        process.wait_for("SyntaxError")
        assert client.stat().st_mtime_ns == written

        app.write_text(APP.replace("chat:posted", "chat:heard"))
        process.wait_for("wrote client.ts", times=2)
        assert "chat:heard" in client.read_text()
        assert "chat:posted" not in client.read_text()

        process.stop(group=True)
        assert process.process.returncode == 0
        assert "Traceback" not in process.output
    assert "changed: app.py" in process.output


def test_a_start_that_fails_is_mended_by_the_next_change(tmp_path: Path) -> None:
    app = tmp_path / "app.py"
    app.write_text(f"oops = bytesocket\n{APP}")
    with serving("generate", "python", "-o", "client.py", "--watch", cwd=tmp_path) as process:
        process.wait_for("app.py:1: NameError")
        app.write_text(APP)
        process.wait_for("wrote client.py")


def test_an_interrupt_ends_an_import_that_hangs(tmp_path: Path) -> None:
    hanging = "import os, time\nprint('imported by', os.getpid())\ntime.sleep(60)\n"
    (tmp_path / "app.py").write_text(hanging + APP)
    with serving("generate", "python", "-o", "client.py", "--watch", cwd=tmp_path) as process:
        child = int(process.wait_for("imported by").split()[-1])
        process.stop(group=True)
        assert process.process.returncode == 0
        assert "Traceback" not in process.output
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)


def test_a_saved_contract_is_watched_and_its_neighbours_are_not(tmp_path: Path) -> None:
    contract = tmp_path / "contract.json"
    contract.write_text(json.dumps(chat()))
    command = ("generate", "typescript", "contract.json", "-o", "client.ts", "--watch")
    with serving(*command, cwd=tmp_path) as process:
        process.wait_for("wrote client.ts")
        (tmp_path / "other.json").write_text("{}")
        contract.write_text(json.dumps(sealed({**chat(), "title": "Other"})))
        process.wait_for("wrote client.ts", times=2)
    assert "other.json" not in process.output
