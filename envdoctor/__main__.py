"""Makes `python -m envdoctor` the same as the command."""

from envdoctor.cli import run

run()
