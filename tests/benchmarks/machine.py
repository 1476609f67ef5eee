"""What the figures were taken on, and how many connections it allows."""

import datetime
import os
import platform
import resource
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tests.support.node import NODE

_PACKAGES = ("hypercorn", "picows", "pydantic", "python-socketio", "uvicorn", "uvloop")


def allow_many_files() -> None:
    """Raise the number of descriptors to what the machine allows; servers inherit it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def describe() -> str:
    """Say in one sentence: day, processor, versions."""
    day = datetime.datetime.now(tz=datetime.UTC).strftime("%Y-%m-%d")
    packages = [f"{name} {found}" for name in _PACKAGES if (found := _version(name))]
    versions = ", ".join([f"Python {platform.python_version()}", f"Node {_node()}", *packages])
    return f"{day}, {os.cpu_count()} shared cores ({_processor()}), {versions}"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _node() -> str:
    said = subprocess.run([NODE, "--version"], capture_output=True, text=True, check=True)
    return said.stdout.strip().lstrip("v")


def _processor() -> str:
    """The processor's family, without frequencies and trade marks."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2] for line in lines if line.startswith("model name")]
    name = (models or [platform.machine()])[0]
    for noise in ("(R)", "(TM)", "Processor", "CPU"):
        name = name.replace(noise, "")
    return " ".join(name.split(" @ ")[0].split())
