"""Rules and policies."""
