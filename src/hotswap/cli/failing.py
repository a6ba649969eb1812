"""How a command says that it can not go on."""

from ..processes.exits import Exit


class CommandError(Exception):
    """A command can not go on; the message has one line per mistake."""

    def __init__(self, code: Exit, message: str) -> None:
        super().__init__(message)
        self.code = code
