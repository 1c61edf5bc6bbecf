"""Sessions: what a visitor's page talks to (`service`, `routes`), what runs their models (`host`, `worker`) and what carries bytes
between the two (`channel`, `frames`, `local`)."""
