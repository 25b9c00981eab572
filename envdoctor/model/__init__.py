"""The nouns: frozen, typed data, and one codec. Nothing here does anything when it is made."""
