"""Measuring: metrics and how sure they are."""
