"""A backend for envdoctor on plain NumPy einsum."""
