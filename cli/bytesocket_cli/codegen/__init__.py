"""Contract documents to source text."""
