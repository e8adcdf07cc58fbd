"""Composing answers from passages."""
