"""Errors that a person must act on. A provider's fault is a value (`core.terms.Failure`)."""


class RefusedError(Exception):
    """A caller's fault: the request is answered with this status in the caller's own dialect."""

    def __init__(self, status: int, code: str, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.param = param


class ConfigError(Exception):
    """An operator's fault at one place of the configuration."""

    def __init__(self, where: str, problem: str, hint: str = "") -> None:
        super().__init__(f"{where}: {problem} ({hint})" if hint else f"{where}: {problem}")
        self.where = where
        self.problem = problem
        self.hint = hint


class StoreError(Exception):
    """The store could not keep or give records; the message says which file or server and why."""
