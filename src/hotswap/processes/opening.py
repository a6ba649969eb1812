"""What the supervisor needs to know, and what it opens and keeps open."""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from typing import NamedTuple

from .pidfile import PidFile
from .sockets import Link, Listener, listen, open_link


class Opening(NamedTuple):
    """What to open and how many workers to start; taken from the configuration once, at start."""

    host: str
    port: int
    scheme: str
    """`https` when the workers speak TLS, otherwise `http`."""
    admin_host: str
    admin_port: int
    workers: int
    state_dir: str
    patience_s: float
    """How long workers may take to drain before they are killed."""

    def fields(self) -> tuple[str, ...]:
        """Return the texts that `read_opening` understands."""
        return tuple(map(str, self))


def read_opening(fields: Sequence[str]) -> Opening:
    """Return the opening that `Opening.fields` wrote."""
    host, port, scheme, admin_host, admin_port, workers, state_dir, patience_s = fields
    return Opening(
        host,
        int(port),
        scheme,
        admin_host,
        int(admin_port),
        int(workers),
        state_dir,
        float(patience_s),
    )


class Opened:
    """The state folder, the keeper's sockets, and one public listener per worker."""

    __slots__ = ("_stack", "admin", "link", "public")

    def __init__(self, opening: Opening) -> None:
        """Open everything, or nothing.

        Raises:
            TakenError: Another supervisor works on the state folder.
            ListenError: An address can not be listened on.
            OSError: The state folder can not be written to.
        """
        with ExitStack() as stack:
            pid_file = PidFile(opening.state_dir)
            stack.callback(pid_file.close)
            self.link: Link = open_link()
            stack.callback(self.link.close)
            self.admin: Listener = listen(opening.admin_host, opening.admin_port, shared=False)
            stack.callback(os.close, self.admin.descriptor)
            self.public: list[Listener] = []
            stack.callback(self.close_public)
            port = opening.port
            for _ in range(opening.workers):
                self.public.append(listen(opening.host, port, shared=True, scheme=opening.scheme))
                port = self.public[0].port  # the first may have let the kernel choose
            self._stack = stack.pop_all()

    def close_public(self) -> None:
        """Close the public listeners: from now on they are open as long as workers want them."""
        while self.public:
            os.close(self.public.pop().descriptor)

    def close(self) -> None:
        """Close everything and give the state folder free."""
        self._stack.close()
