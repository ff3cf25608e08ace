"""What we know, for other programs: a real Amanda's own files, so that a site can go back."""
