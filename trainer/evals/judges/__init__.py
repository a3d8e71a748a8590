"""Language models that compare answers, and how far they can be trusted."""
