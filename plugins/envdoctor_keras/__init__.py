"""Keras, as the doctor sees it."""
