"""The verticals that ship with fmapps."""
