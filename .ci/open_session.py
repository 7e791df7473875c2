"""Open the product's own laptop session and read one row through it."""

from __future__ import annotations

from synpref.spark import open_session

session = open_session(app_name="synpref set-up", master="local[1]")
session.range(1).count()
session.stop()
