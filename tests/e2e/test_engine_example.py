"""The example of an engine keeps what engines promise, as the page about engines checks it."""

import re
import subprocess
import sys
from pathlib import Path

from tests.support.server_process import DEADLINE, ROOT, environment


def test_the_example_keeps_the_promises_of_engines(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "engines.md").read_text(encoding="utf-8")
    (found,) = re.findall(r"^```python\n(# test_hub.py\n.*?)^```", page, re.M | re.S)
    (tmp_path / "test_hub.py").write_text(found, encoding="utf-8")
    hub = ROOT / "examples" / "own_engine" / "hub.py"
    (tmp_path / "hub.py").write_bytes(hub.read_bytes())
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_hub.py"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=8 * DEADLINE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
