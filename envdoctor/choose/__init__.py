"""Which framework for this machine and this need: sourced facts first, then measurements."""
