"""The gate: proves that a row does the specified work, or says what it does instead."""
