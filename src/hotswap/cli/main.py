"""The command `hotswap`."""

import os
import sys
from collections.abc import Sequence
from typing import Final

from cyclopts import App, CycloptsError
from msgspec import DecodeError

from .. import __version__
from ..processes.exits import Exit
from .failing import CommandError

app: Final = App(
    name="hotswap",
    help="A self-hosted LLM gateway: the answer arrives, whichever provider fails.",
    version=__version__,
    result_action="return_value",
    exit_on_error=False,
    print_error=False,
)
app.command("hotswap.cli.serve:serve", help="Run the gateway.")
app.command("hotswap.cli.check:check", help="Check a configuration and show its chains.")
app.command(
    "hotswap.cli.explain:explain", help="Show what would happen to a request, target by target."
)
app.command(
    "hotswap.cli.simulate:simulate",
    help="Play the chains while something fails, in simulated time.",
)
app.command("hotswap.cli.chains:chains", help="Show chains, and what each target would do now.")
app.command(
    "hotswap.cli.targets:app",
    name="targets",
    help="Show how every target and its keys stand; drain, open, close, try them.",
)
app.command(
    "hotswap.cli.request:request", help="Tell what happened to a request, or list the newest."
)
app.command("hotswap.cli.tail:tail", help="Follow what moves in a running gateway.")
app.command(
    "hotswap.cli.demo.command:demo", help="Run five chains on simulated providers, with chaos."
)
config: Final = App(name="config", help="About the configuration file.")
config.command("hotswap.cli.schema:schema", help="Write its JSON Schema, for editors.")
app.command(config)


def main(words: Sequence[str] | None = None) -> int:
    """Run the command that the words name; return the exit code.

    Args:
        words: What follows `hotswap`; None: the process's own arguments.
    """
    try:
        code = app(sys.argv[1:] if words is None else words)
        sys.stdout.flush()
    except CycloptsError as error:
        return _fail(Exit.USAGE, f"hotswap: {' '.join(str(error).split())}")
    except CommandError as error:
        return _fail(error.code, str(error))
    except DecodeError as error:
        return _fail(
            Exit.UNREACHABLE, f"hotswap: this is no answer of hotswap {__version__}: {error}"
        )
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # Whoever reads our lines has had enough; the interpreter must not try to flush the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.FINE
    return code if isinstance(code, Exit) else Exit.FINE


def _fail(code: Exit, message: str) -> Exit:
    sys.stderr.write(f"{message}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
