"""The Hugging Face Transformers backend."""
