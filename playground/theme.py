"""Colours, type and spacing: the Gradio theme. The tokens themselves are CSS custom properties in assets/web/tokens.css."""

from gradio.themes import Base
from gradio.themes.utils import fonts, sizes


def theme() -> Base:
    """White paper, grey data, one ink for the model in front of you. Faces ship inside Gradio, so nothing is fetched."""
    both = {
        "body_background_fill": "var(--bg)",
        "body_text_color": "var(--ink)",
        "body_text_color_subdued": "var(--ink-2)",
        "background_fill_primary": "var(--surface)",
        "background_fill_secondary": "var(--sunken)",
        "border_color_primary": "var(--line)",
        "block_background_fill": "transparent",
        "input_background_fill": "var(--surface)",
        "input_border_color": "var(--line-strong)",
        "input_border_color_focus": "var(--focus)",
    }
    return Base(
        radius_size=sizes.radius_sm,
        text_size=sizes.text_sm,
        spacing_size=sizes.spacing_sm,
        font=[fonts.LocalFont("IBM Plex Sans", weights=(400, 700)), "ui-sans-serif", "system-ui", "sans-serif"],
        font_mono=[fonts.LocalFont("IBM Plex Mono", weights=(400,)), "ui-monospace", "monospace"],
    ).set(
        **both,
        **{f"{name}_dark": value for name, value in both.items()},
        block_border_width="0px",
        block_padding="0px",
        block_shadow="none",
        layout_gap="0px",
    )
