"""FAMILIES: the one list of what the playground can train. No torch here: the web process imports this file."""

from engines import autoregressive, diffusion, gan, vae
from engines.core import Family

FAMILIES: dict[str, Family] = {family.key: family for family in (gan.FAMILY, vae.FAMILY, diffusion.FAMILY, autoregressive.FAMILY)}
