"""Measurement against known truth, each figure beside its baseline and with its interval."""
