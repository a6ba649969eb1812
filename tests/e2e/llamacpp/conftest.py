"""A model that is made on the spot, and a site that serves it to whoever harms nothing."""

from collections.abc import Iterator

import pytest
from openai import OpenAI

from .llama_server import Options
from .site import Site, running
from .tiny_model import write_model


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Make the model; return its path."""
    path = tmp_path_factory.mktemp("model") / "tiny.gguf"
    write_model(path)
    return str(path)


@pytest.fixture(scope="session")
def site(model: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run a llama.cpp that wants a key and offers all it can, for tests that stop nothing."""
    options = Options(model, context=1024, key="sk-local", embeddings=True)
    with running(options, tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture
def client(site: Site) -> Iterator[OpenAI]:
    """Give an SDK client of the shared site."""
    with OpenAI(base_url=site.base_url, api_key="any") as client:
        yield client
