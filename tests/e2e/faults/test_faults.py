"""Every fault before every SDK, through gateways in processes of their own."""

import pytest

from .site import CLIENTS
from .stages import SCENES, Theatre

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(60)]


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("scene", SCENES)
async def test_the_answer_is_whole_or_the_sdk_raises(
    theatre: Theatre, scene: str, client: str
) -> None:
    assert await theatre.word(scene, client)
