"""Where the command ``infrai-video`` of this package is."""

from __future__ import annotations

import os
import platform
import sys
import sysconfig
from importlib import metadata
from pathlib import Path
from typing import Iterator

#: Names another command to start.
VARIABLE = "INFRAI_VIDEO_COMMAND"

_NAME = "infrai-video.exe" if os.name == "nt" else "infrai-video"

_PLATFORMS = "Linux with glibc 2.28 or musl on x86_64 and aarch64, macOS on arm64 and x86_64, and Windows on x86_64"


class CommandNotFound(RuntimeError):
    """This package has no command that runs here."""


def command() -> Path:
    """The command ``infrai-video`` of this package, or the one that ``INFRAI_VIDEO_COMMAND`` names.

    A command of the same name in ``PATH`` is not used: it may be of another version.
    """
    named = os.environ.get(VARIABLE)
    if named:
        if not _runs(Path(named)):
            raise CommandNotFound(f"{VARIABLE} is {named}: it must be the path of the command")
        return Path(named)
    candidates = list(dict.fromkeys(_candidates()))
    for candidate in candidates:
        if _runs(candidate):
            return candidate
    present = [str(candidate) for candidate in candidates if candidate.exists()]
    problem = f"{present[0]} is not executable" if present else "the command infrai-video is missing"
    raise CommandNotFound(
        f"{problem} on {platform.system()} {platform.machine()} (Python {platform.python_version()}, {sys.prefix}); "
        f"there are wheels for {_PLATFORMS}: install again with "
        f"`pip install --force-reinstall --only-binary infrai-video infrai-video`, "
        f"or set {VARIABLE} to the path of a command of your own"
    )


def not_a_program(program: str, error: OSError) -> CommandNotFound:
    """The system does not start it."""
    return CommandNotFound(
        f"{program} cannot be started: {error.strerror}: install infrai-video again; "
        f"if {VARIABLE} is set, it must be the path of the command"
    )


def _candidates() -> Iterator[Path]:
    try:
        files = metadata.distribution("infrai-video").files or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == _NAME:
            yield Path(str(file.locate())).resolve()
    yield Path(sysconfig.get_path("scripts")) / _NAME
    # `pip install --target DIR` has DIR/bin.
    yield Path(__file__).resolve().parent.parent / "bin" / _NAME


def _runs(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
