"""The product: pages, sessions and the public API. Imports gradio, never torch; engines are built in worker processes only."""
