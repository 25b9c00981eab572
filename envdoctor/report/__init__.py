"""Output formats, one a file; each is a function of a run and looks at nothing else."""
