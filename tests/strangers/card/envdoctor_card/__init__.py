"""A GPU on paper."""
