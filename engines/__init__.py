"""The maths of the playground: data, networks, losses, training, metrics. Knows torch; never gradio, spaces or ray."""
