"""Options that several commands have, and the configuration that one of them names."""

from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter

ConfigFile = Annotated[Path, Parameter(name="--config", help="The configuration file.")]
CONFIG_FILE: Final = Path("hotswap.yaml")
AsJson = Annotated[
    bool,
    Parameter(name="--json", negative=(), show_default=False, help="Write JSON for programs."),
]
