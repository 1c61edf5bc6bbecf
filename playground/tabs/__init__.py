"""One file per tab, composed from components."""
