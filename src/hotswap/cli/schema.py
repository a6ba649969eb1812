"""`hotswap config schema`: the configuration's JSON Schema."""

import json
import sys

from ..config.schema import json_schema


def schema() -> None:
    """Write the JSON Schema of the configuration file, for editors."""
    sys.stdout.write(f"{json.dumps(json_schema(), indent=2)}\n")
