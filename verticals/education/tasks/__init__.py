"""The tasks of the education vertical, one file each."""
