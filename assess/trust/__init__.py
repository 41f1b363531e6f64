"""Signature material -> who signed, check by check, against roots of trust; the one place with cryptography."""
