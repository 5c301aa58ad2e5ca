"""A real service under load: whether every answer is the one that a lone client gets, how fast, and what is refused."""
