"""The bench belongs to the checkout, not to the package."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))
