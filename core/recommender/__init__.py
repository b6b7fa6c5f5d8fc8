"""What to show whom: models, and the evaluation that they must pass."""
