"""``python -m infrai_video`` is the command ``infrai-video``."""

import os
import subprocess
import sys
from typing import List

from ._command import CommandNotFound, command, not_a_program


def main() -> int:
    try:
        return run(str(command()), sys.argv[1:])
    except CommandNotFound as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def run(program: str, arguments: List[str]) -> int:
    try:
        if os.name == "posix":
            os.execv(program, [program, *arguments])
        return subprocess.call([program, *arguments])
    except OSError as error:
        raise not_a_program(program, error) from error
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
