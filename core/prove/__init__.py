"""Proving that what was backed up can be had back: reading copies again (`verify`), rehearsing restores (`drill`)."""
