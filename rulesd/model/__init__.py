"""Frozen values and enums: the nouns of the line, and nothing that acts."""
