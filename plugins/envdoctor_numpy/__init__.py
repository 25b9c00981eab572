"""The NumPy backend: the embedded default, and in float64 the oracle of the parity gate."""
