"""Measurements: `python -m benchmarks.<name> --data DIR --json OUT`."""
