"""What `gpu_smoke.py` is made of: the plan, the ground, running, watching, reading, telling."""
