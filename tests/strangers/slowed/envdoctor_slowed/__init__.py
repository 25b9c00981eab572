"""A backend whose compiled modes are proven through another one."""
