"""The tasks of the law vertical, one file each."""
