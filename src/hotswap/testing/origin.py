"""Says of which code, and when, figures were made."""

import platform
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path


def origin() -> Iterator[str]:
    """Say in lines when, of which commit and with which Python a page is written."""
    yield f"Date: {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())}"
    changed = " with changes" if _git("status", "--porcelain", "--", "src") else ""
    yield f"Commit: {_git('rev-parse', '--short=12', 'HEAD')}{changed}"
    yield f"Python: {platform.python_implementation()} {platform.python_version()}"


def _git(*words: str) -> str:
    git = shutil.which("git")
    if git is None:
        return ""
    folder = Path(__file__).resolve().parents[3]
    done = subprocess.run([git, *words], cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words
    return done.stdout.strip()
