"""Files and resources to documents, documents to passages."""
