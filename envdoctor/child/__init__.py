"""Code that runs in the target: standard library, NumPy and one framework, Python 3.9 and newer.

This package is copied into a private folder and imported there, beside a framework that may be
broken, by an interpreter in which envdoctor need not be installed. It imports nothing of
envdoctor but itself.
"""
