"""``python -m infrai_video`` is the command ``infrai-video``."""

import os
import subprocess
import sys

from ._command import CommandNotFound, command


def main() -> int:
    try:
        program = str(command())
    except CommandNotFound as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    arguments = [program, *sys.argv[1:]]
    if os.name == "posix":
        os.execv(program, arguments)
    try:
        return subprocess.call(arguments)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
