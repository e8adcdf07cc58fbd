"""The truth: documents, versions, passages, vectors and the change log."""
