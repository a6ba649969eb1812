"""Brings a SQLite database to the newest schema; `user_version` says which one it has."""

import sqlite3
from pathlib import Path
from typing import Final

from ..errors import StoreError

SCHEMA: Final = Path(__file__).with_name("schema")


def migrate(connection: sqlite3.Connection) -> None:
    """Apply every numbered script that the database has not seen, each one whole or not at all."""
    (seen,) = connection.execute("PRAGMA user_version").fetchone()
    scripts = {
        int(entry.name.partition("_")[0]): entry.read_text("utf-8")
        for entry in SCHEMA.glob("*.sql")
    }
    if seen > max(scripts):
        raise StoreError(f"schema {seen} is newer than this hotswap; use the newer one")
    for number in sorted(scripts):
        if number > seen:
            connection.executescript(
                f"BEGIN IMMEDIATE; {scripts[number]} PRAGMA user_version = {number}; COMMIT;"
            )
