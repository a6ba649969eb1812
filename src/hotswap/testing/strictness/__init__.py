"""The rules of form that real providers enforce, for scripted providers that enforce them too.

A gateway that translates wrongly meets here the 400 that it would meet in the world::

    provider = ScriptedProvider("claude", check=strict("anthropic"))
    ...
    assert provider.refusals == []
"""

from .check import KINDS, all_of, strict

__all__ = ["KINDS", "all_of", "strict"]
