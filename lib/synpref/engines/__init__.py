"""Engines: a list goes in, an array comes out. Nothing here knows Spark."""
