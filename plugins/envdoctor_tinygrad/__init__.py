"""The tinygrad backend."""
