"""The healthcare vertical."""
