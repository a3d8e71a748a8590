"""Ready-made recipes: what to collect, how much of it, how to train and measure. A YAML file and some rows each."""

from trainer.data.recipes.load import Recipe, load_recipe, recipe_names, start

__all__ = ["Recipe", "load_recipe", "recipe_names", "start"]
