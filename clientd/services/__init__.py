"""The services, each a program of its own; `clientd.services.registry` knows them all."""
