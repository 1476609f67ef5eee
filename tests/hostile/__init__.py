"""Attacks: each costs a stranger his own connection, and nobody anything else."""
