"""`hotswap demo`: starts everything, runs it, stops everything, counts."""

import asyncio
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Final

from cyclopts import Parameter
from cyclopts.validators import Number

from ...processes.exits import Exit
from ..failing import CommandError
from .chains import write_config
from .chaos import Providers
from .gateway import Gateway
from .score import Score

SECONDS: Final = 60.0
"""Length of a demo that nobody steers."""
MISSING: Final = (
    "hotswap: the demo's traffic goes through the official OpenAI SDK, which is not installed:"
    " pip install openai"
)

Seconds = Annotated[
    float | None,
    Parameter(
        validator=Number(gt=0),
        help="How long to run. Default: until a key ends it; 60 without a terminal.",
    ),
]


def demo(*, seconds: Seconds = None) -> Exit:
    """Run five chains on simulated providers, with traffic, chaos and a live view.

    Needs no keys, uses free ports on loopback, and leaves nothing on disk. On a terminal, keys
    choose what goes wrong; elsewhere every provider goes through a sequence of faults. Exits
    with 1 when a request was lost.
    """
    try:
        from .stage import Stage  # noqa: PLC0415 - the SDK is optional, and slow to import
        from .traffic import Traffic  # noqa: PLC0415 - as above
    except ModuleNotFoundError as error:
        if error.name != "openai":
            raise
        raise CommandError(Exit.FAILED, MISSING) from error
    # As Ctrl-C, so that whatever has been started until then is stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    score = Score()
    with (
        TemporaryDirectory(prefix="hotswap-demo-") as folder,
        Providers() as providers,
        Gateway(write_config(providers.base_urls), Path(folder)) as gateway,
    ):
        stage = Stage(score, providers, Traffic(gateway.base_url, score), gateway.admin)
        if sys.stdin.isatty() and sys.stdout.isatty():
            asyncio.run(stage.run_by_keys(seconds))
        else:
            asyncio.run(stage.run_by_itself(seconds or SECONDS))
    for problem, times in score.problems.most_common():
        sys.stderr.write(f"lost {times}: {problem}\n")
    sys.stdout.write(f"{score.total.line()}\n")
    return Exit.FAILED if score.total.lost else Exit.FINE
