"""envdoctor: an environment doctor and benchmark harness for machine learning in Python."""

__version__ = "0.1.0"
