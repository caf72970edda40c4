"""The pure engine: events and time in, decisions out. Stdlib only; no clock, no I/O, no randomness."""
