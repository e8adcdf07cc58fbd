"""Finding passages: embedding, lexical, dense, fusion."""
