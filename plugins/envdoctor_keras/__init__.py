"""Keras for envdoctor: what the doctor knows of it, and a backend on each of its engines."""
