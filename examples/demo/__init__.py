"""The main job, played end to end on one machine. Run it with `make demo`."""
