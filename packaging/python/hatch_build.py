"""Puts a binary that was built before into the wheel, as a script, and names its platform."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Binary(BuildHookInterface[Any]):
    """Reads the variables that `cargo xtask dist` sets."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        binary = Path(os.environ["INFRAI_VIDEO_BINARY"])
        build_data["pure_python"] = False
        build_data["tag"] = "py3-none-" + os.environ["INFRAI_VIDEO_PLATFORM"]
        build_data["shared_scripts"][str(binary)] = binary.name
        build_data["sbom_files"].append(os.environ["INFRAI_VIDEO_SBOM"])
