"""Loads a configuration as a process of its own: `python -m hotswap.config FILE`.

YAML and pydantic take memory for good, and stay out of the long-lived processes this way. The
outcome, with its secrets, goes to standard output as one msgpack value and nowhere else.
"""

import gc
import os
import sys
from pathlib import Path

gc.disable()  # A short life: collecting costs more than it could free.
# No plug-in of pydantic gets to see secrets, and looking for some takes 30 ms.
os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"

from .load import load  # noqa: E402 - the imports are most of what would be collected
from .outcome import ConfigMistakes, Loaded, Refused, encode  # noqa: E402 - as above


def main() -> int:
    """Write the outcome for the file that the only argument names; 2: there is no such argument."""
    if len(sys.argv) != 2:
        sys.stderr.write("usage: python -m hotswap.config FILE\n")
        return 2
    try:
        outcome: Loaded | Refused = Loaded(load(Path(sys.argv[1]), os.environ))
    except ConfigMistakes as error:
        outcome = Refused(error.mistakes)
    sys.stdout.buffer.write(encode(outcome))
    return 0


if __name__ == "__main__":
    sys.exit(main())
