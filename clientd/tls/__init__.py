"""The client's end of the transport tls: enrolling, listening, and amandad behind an encrypted connection."""
