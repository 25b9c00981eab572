"""The workload language: from a TOML file to layers, weights, batches and counts."""
