"""All scenes, each with the site that it is played at, and what came of them."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from msgspec import Struct, field

from . import (
    rows_callers,
    rows_calls,
    rows_errors,
    rows_larger,
    rows_limits,
    rows_requests,
    rows_seams,
    rows_streams,
    rows_time,
)
from .cells import Cell
from .scenes import Scene
from .site import CLIENTS, HEALTH, Site


class Stage(Struct, frozen=True, kw_only=True):
    """Scenes that share one gateway."""

    scenes: Sequence[Scene]
    health: Mapping[str, object] = HEALTH
    access: Mapping[str, object] = field(default_factory=dict[str, object])


STAGES: Final[Mapping[str, Stage]] = {
    "errors": Stage(scenes=rows_errors.SCENES),
    "limits": Stage(scenes=rows_limits.SCENES),
    "requests": Stage(scenes=[*rows_requests.SCENES, *rows_callers.SCENES]),
    "reloaded": Stage(scenes=rows_requests.RELOADED),
    "streams": Stage(scenes=rows_streams.SCENES),
    "keyed": Stage(scenes=rows_streams.KEYED, access=rows_streams.ACCESS),
    "calls": Stage(scenes=rows_calls.SCENES),
    "seams": Stage(scenes=rows_seams.SCENES),
    "time": Stage(scenes=rows_time.SCENES),
    "larger": Stage(scenes=rows_larger.SCENES),
    "stopped": Stage(scenes=rows_larger.STOPPED),
}
SCENES: Final[Mapping[str, tuple[str, Scene]]] = {
    scene.name: (name, scene) for name, stage in STAGES.items() for scene in stage.scenes
}
"""By name, with the name of the stage."""


NOT_ASKED: Final = "-"


class Theatre:
    """Plays every cell once, those of a scene at the same time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = AsyncExitStack()
        self._sites: dict[str, asyncio.Task[Site]] = {}
        self._played: dict[str, Mapping[Cell, asyncio.Future[str]]] = {}

    async def word(self, name: str, client: str) -> str:
        """Return what the table shows for a scene and an SDK; raises what its play raised."""
        stage, scene = SCENES[name]
        if name not in self._played:
            if stage not in self._sites:
                starting = self._started(stage)
                self._sites[stage] = asyncio.get_running_loop().create_task(starting)
            site = await self._sites[stage]
            self._played[name] = await self._play(scene, site)
        plays = self._played[name]
        words = {cell.way: plays[cell].result() for cell in scene.cells(client)}
        if len(words) == len(scene.ways) and len(set(words.values())) == 1:
            return next(iter(words.values()))
        return "; ".join(f"{way.value}: {words.get(way, NOT_ASKED)}" for way in scene.ways)

    def refusals(self) -> list[str]:
        """Return what the providers found wrong with the requests that they got."""
        sites = [starting.result() for starting in self._sites.values()]
        return [wrong for site in sites for wrong in site.provider.refusals]

    async def close(self) -> None:
        """End every site."""
        await self._stack.aclose()

    async def _play(self, scene: Scene, site: Site) -> Mapping[Cell, asyncio.Future[str]]:
        plays: dict[Cell, asyncio.Future[str]] = {}
        for cell in (cell for client in CLIENTS for cell in scene.cells(client)):
            plays[cell] = asyncio.ensure_future(scene.play(site, cell))
            if scene.alone:
                await asyncio.wait([plays[cell]])
        await asyncio.wait(plays.values())
        # Each is told by the test of its cell; nobody may ask for those after a first failure.
        for play in plays.values():
            play.exception()
        return plays

    async def _started(self, name: str) -> Site:
        folder = self._folder / name
        folder.mkdir()
        site = Site()
        self._stack.push_async_callback(site.close)
        stage = STAGES[name]
        places = [
            scene.place(cell)
            for scene in stage.scenes
            for client in CLIENTS
            for cell in scene.cells(client)
        ]
        return await site.start(folder, places, stage.health, stage.access)
