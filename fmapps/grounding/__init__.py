"""Holding claims to what stands in their passages."""
