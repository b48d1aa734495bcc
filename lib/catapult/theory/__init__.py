"""Theory: the exact dynamics that the chapters derive, one setting a module; nothing here reads data."""
