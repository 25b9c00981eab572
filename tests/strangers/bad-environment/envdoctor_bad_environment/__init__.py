"""A distribution of somebody else, for tests."""
