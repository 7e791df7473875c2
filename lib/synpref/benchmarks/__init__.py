"""Reward-model benchmarks: their files, their items, and their scores as pure functions. Plain Python, no Spark."""
