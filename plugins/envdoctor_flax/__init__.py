"""Flax for envdoctor: what the doctor knows of it, and a backend on Flax NNX with Optax."""
