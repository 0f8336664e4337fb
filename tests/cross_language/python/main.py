"""Calls every operation of the document with a client that was generated from it."""

import os
from pathlib import Path

import fixtures
import tour


def main() -> None:
    directory = Path(os.environ["FIXTURES"])
    checked = fixtures.check(directory)
    surprises = fixtures.check_surprises(directory)
    done = tour.take(os.environ["INFRAI_BASE_URL"], os.environ["INFRAI_API_KEY"])
    print(
        f"python: {done.operations} operations, {done.errors} errors, {done.pages} pages, "
        f"1 clip of {done.clip_bytes} bytes, {checked} fixtures, {surprises} surprises"
    )


main()
