"""The JAX backend: plain `jax.numpy` and `jax.lax` under `jax.jit`."""
