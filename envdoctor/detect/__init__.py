"""Detectors: what the machine is, one subsystem a file. None of them loads a framework."""
