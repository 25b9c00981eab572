"""The reference workloads and their data sets."""
