"""What runs on every client: amandad, its services and the dump programs.  Python's standard library is enough."""
