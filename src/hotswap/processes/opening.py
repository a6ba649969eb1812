"""What the supervisor needs to know, and what it opens and keeps open."""

import os
import socket
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from typing import NamedTuple

from ..server.packet_filter import steer
from .activation import NOTHING, Given
from .handover import Goods, Offer, close_control, open_control
from .pidfile import PidFile
from .sockets import Link, Listener, adopt, listen, open_link


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
    """The state folder, the keeper's sockets, and the public listeners.

    They are opened here, or come from a supervisor that hands over, or from systemd. What was taken
    over still belongs to the other one as well, until `own`.
    """

    __slots__ = (
        "_opening",
        "_owned",
        "_stack",
        "activated",
        "admin",
        "admin_at",
        "control",
        "former",
        "kept",
        "link",
        "pid_file",
        "public",
        "public_at",
        "surplus",
    )

    def __init__(
        self, opening: Opening, given: Given = NOTHING, offer: Offer | None = None
    ) -> None:
        """Open everything, or nothing.

        Args:
            opening: What to open.
            given: What systemd has opened already.
            offer: What another supervisor hands over. The public listeners that are missing then
                are opened by `complete`.

        Raises:
            TakenError: Another supervisor works on the state folder.
            ListenError: An address can not be listened on.
            OSError: The state folder can not be written to.
        """
        self._opening = opening
        self.public_at = f"{opening.host}:{opening.port}"
        """Host and port as configured."""
        self.admin_at = f"{opening.admin_host}:{opening.admin_port}"
        self._owned = offer is None
        self.former: list[int] = []
        """Link listeners of supervisors before, whose workers may still drain."""
        self.public: list[Listener] = []
        self.surplus: list[int] = []
        """Public listeners that have no worker any more; nothing new comes to them after `own`."""
        self.activated = False
        """The public listeners are systemd's: every worker serves all of them."""
        self.kept = False
        """The public listeners are those that the offer names."""
        with ExitStack() as stack:
            stack.callback(self.close_public)
            stack.callback(self.forget_former)
            if offer is None:
                self._open(given, stack)
            else:
                self._take(offer, stack)
            self.link: Link = open_link()
            stack.callback(self.link.close)
            self._stack = stack.pop_all()

    def complete(self) -> None:
        """Open the public listeners that are missing: connections wait in them from now on."""
        opening = self._opening
        while not self.activated and len(self.public) < opening.workers:
            # The first may have let the kernel choose.
            port = self.public[0].port if self.public else opening.port
            self.public.append(listen(opening.host, port, shared=True, scheme=opening.scheme))

    def of_keeper(self) -> tuple[int, ...]:
        """Return the keeper's sockets, as `channel.Begin` wants them."""
        return (self.admin.descriptor, self.link.descriptor, *self.former)

    def of_worker(self, worker: int) -> tuple[int, ...]:
        """Return what a worker accepts from."""
        if self.activated:
            return tuple(listener.descriptor for listener in self.public)
        return (self.public[worker].descriptor,)

    def goods(self) -> Goods:
        """Return what a successor gets."""
        return Goods(
            self.pid_file.descriptor,
            self.control,
            self.admin.descriptor,
            (self.link.descriptor, *self.former),
            tuple(listener.descriptor for listener in self.public),
        )

    def own(self) -> None:
        """Be the one who works on the folder: new connections go to our workers only."""
        self._owned = True
        self.pid_file.sign()
        if not self.activated:
            # Not supported: what waits in the surplus listeners at their end is lost.
            with suppress(OSError), socket.socket(fileno=os.dup(self.public[0].descriptor)) as one:
                steer(one, len(self.public))

    def disown(self) -> None:
        """Leave the folder to a successor."""
        self._owned = False

    def forget_former(self) -> None:
        """Close what was kept for the workers of a supervisor that has ended since."""
        for descriptors in (self.former, self.surplus):
            while descriptors:
                os.close(descriptors.pop())

    def close_public(self) -> None:
        """Close the public listeners: from now on they are open as long as workers want them."""
        while self.public:
            os.close(self.public.pop().descriptor)

    def close(self) -> None:
        """Close everything and give the state folder free."""
        self._stack.close()

    def _open(self, given: Given, stack: ExitStack) -> None:
        opening = self._opening
        self.pid_file = PidFile(opening.state_dir)
        stack.callback(self._close_pid_file)
        self.control: int = open_control(opening.state_dir)
        stack.callback(self._close_control)
        self.admin: Listener = (
            adopt(given.admin[0], opening.admin_host)
            if given.admin
            else listen(opening.admin_host, opening.admin_port, shared=False)
        )
        stack.callback(os.close, self.admin.descriptor)
        self.activated = bool(given.public)
        self._adopt(given.public)
        self.complete()

    def _take(self, offer: Offer, stack: ExitStack) -> None:
        opening, goods = self._opening, offer.goods
        self.pid_file = PidFile(opening.state_dir, goods.pid_file)
        stack.callback(self._close_pid_file)
        self.control = goods.control
        stack.callback(self._close_control)
        self.former += goods.links
        self.activated = offer.activated
        self.kept = offer.activated or offer.public_at == self.public_at
        if self.kept:
            wanted = len(goods.public) if offer.activated else opening.workers
            self._adopt(goods.public[:wanted])
            self.surplus += goods.public[wanted:]
        else:
            self.surplus += goods.public
        if offer.admin_at == self.admin_at:
            self.admin = adopt(goods.admin, opening.admin_host)
        else:
            os.close(goods.admin)
            self.admin = listen(opening.admin_host, opening.admin_port, shared=False)
        stack.callback(os.close, self.admin.descriptor)

    def _adopt(self, descriptors: Sequence[int]) -> None:
        opening = self._opening
        self.public += [adopt(one, opening.host, opening.scheme) for one in descriptors]

    def _close_pid_file(self) -> None:
        self.pid_file.close(remove=self._owned)

    def _close_control(self) -> None:
        if self._owned:
            close_control(self._opening.state_dir)
        os.close(self.control)
