"""The fmapps command."""
