"""Reads the facts of one Python environment from its files; imports nothing of it.

It runs in the interpreter that is examined, so it needs nothing but the standard library of
Python 3.9, and it writes nothing but its answer.
"""
