"""Whom the transport tls trusts: a small authority of the site's own, and the register of what it issued."""
