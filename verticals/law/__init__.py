"""The law vertical."""
