"""The Lightning backend."""
