"""Readers: one file a public shape of preference data, and what they share."""
