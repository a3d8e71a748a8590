"""A hosted fine-tuning service of our own, in OpenAI's shapes: for tests and first tries. It trains nothing and costs
nothing, keeps its state in a folder, and can fail in every way that we know of. Loopback only."""
