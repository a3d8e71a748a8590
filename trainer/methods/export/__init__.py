"""What a trained model can be handed over as: `lint` (will vLLM take the adapter?), `merge`, `gguf`."""
