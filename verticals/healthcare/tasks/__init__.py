"""The tasks of the healthcare vertical, one file each."""
