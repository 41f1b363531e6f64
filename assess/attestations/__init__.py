"""Containers and predicates: bytes in, statements and provenance out. No cryptography here."""
