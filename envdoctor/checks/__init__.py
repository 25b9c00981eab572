"""Health checks: pure functions from a snapshot to findings, one subject a file."""
