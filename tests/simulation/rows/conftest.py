"""What the plays of the rows measured, for the page."""

import sys
from pathlib import Path

import pytest

# The generator of tables belongs to the checkout, not to the package.
sys.path.insert(0, str(Path(__file__).parents[3]))


@pytest.fixture(scope="session")
def measured() -> dict[str, str]:
    """Give what was measured so far, by the names of the rows."""
    return {}
