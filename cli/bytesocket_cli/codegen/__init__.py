"""Code generation: source text from contract documents."""
