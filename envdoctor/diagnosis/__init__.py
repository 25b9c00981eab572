"""The doctor: gathers facts, judges them, exercises frameworks, and hides what is private."""
