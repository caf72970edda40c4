"""Detectors: one file each, pure, one state value for each (rule, key)."""
