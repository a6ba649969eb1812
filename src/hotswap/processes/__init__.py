"""Entry points of the processes: supervisor, loader, keeper, worker.

What the supervisor imports stays tiny, because it lives as long as the gateway does: no msgspec, no
asyncio, no `tempfile`. Its values are therefore `NamedTuple`s. Keeper and worker import their parts
after they were forked.
"""
