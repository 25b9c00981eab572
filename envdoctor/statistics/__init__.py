"""What is derived from raw measurements: pure functions, standard library only."""
