"""Google's Gemini: generateContent and its stream, token counts, embeddings."""
