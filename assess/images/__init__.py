"""Container images: where they live (registries, layouts, archives) and what hangs on them. No cryptography."""
