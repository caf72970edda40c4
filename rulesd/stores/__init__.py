"""Adapters of the store port: SQLite for one daemon, memory for tests, replays and rule tests."""
