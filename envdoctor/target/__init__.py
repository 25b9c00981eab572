"""The environment under examination: its interpreter, and children that run in it."""
