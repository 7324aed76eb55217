"""What `make bench` measures: speed as ratios within one run, and counts that no noise touches."""
