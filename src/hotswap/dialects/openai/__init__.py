"""OpenAI's chat completions and embeddings, and the many servers that speak them."""
