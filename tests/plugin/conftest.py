"""The package here has tests of its own, which run where it is installed."""

collect_ignore = ["fmapps_vertical_library"]
