"""The runs that are kept in the user's folder: listed, named, deleted, followed over time."""
