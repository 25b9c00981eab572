"""The benchmark: plans, proves, measures; yields events and never prints."""
