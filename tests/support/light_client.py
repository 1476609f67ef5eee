"""A generated client in an environment that has the distribution `bytesocket-client` alone.

`python -m tests.support.light_client PYTHON` serves an application with this interpreter, runs a
program with that one, and fails if more is installed there than a client needs.
"""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.server_process import APP, DEADLINE, bytesocket, serving

PROGRAM = """
import sys
import anyio
from talk import Post, TalkClient


async def main(url: str) -> None:
    async with TalkClient(url) as client:
        print(await client.request(Post(text="hi")))


anyio.run(main, sys.argv[1])
"""

ABSENT = ("hypercorn", "jinja2", "starlette", "typer", "uvicorn", "watchfiles")
"""What a program that serves or generates needs, and a client does not."""


def main(python: str) -> None:
    """Serve, generate and run.

    Raises:
        AssertionError: The client does not work, or more is installed than it needs.
    """
    listed = subprocess.run(
        [python, "-m", "pip", "list", "--format", "json"], capture_output=True, check=True
    )
    found = {one["name"].lower() for one in json.loads(listed.stdout)}
    assert "bytesocket-client" in found, found
    assert not found.intersection(ABSENT), found
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "app.py").write_text(APP)
        (folder / "use.py").write_text(PROGRAM)
        done = bytesocket("generate", "python", "-o", "talk.py", cwd=folder)
        assert done.returncode == 0, done.stderr
        with serving("dev", "--port", "0", "--no-reload", cwd=folder) as server:
            url = f"ws://127.0.0.1:{server.port}/ws"
            said = subprocess.run(
                [python, "use.py", url],
                cwd=folder,
                env={},
                capture_output=True,
                text=True,
                timeout=DEADLINE,
                check=False,
            )
        assert said.stdout == "hi ONE\n", said.stdout + said.stderr


if __name__ == "__main__":
    main(sys.argv[1])
