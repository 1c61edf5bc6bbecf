// What each part stands for. Sources: Rombach et al., 2022 (latent diffusion) and the model card of Stable Diffusion 1.4 (CLIP ViT-L/14,
// UNet of 860 M parameters, factor 8); Radford et al., 2021 (CLIP); Esser et al., 2024 (Stable Diffusion 3); Betker et al., 2023,
// "Improving image generation with better captions" (DALL·E 3), which leaves out most of training and implementation but describes its
// decoder; that decoder's code and weights: github.com/openai/consistencydecoder, in diffusers ConsistencyDecoderVAE.
// Midjourney has published no paper on its models.
const SD = "Stable Diffusion 1";
const DALLE = "DALL·E 3";
const MJ = "Midjourney";

export const PARTS = {
  text: {
    title: "Text encoder",
    facts: [
      [SD, "CLIP ViT-L/14, trained before on image–text pairs and frozen; 77 tokens of 768 numbers. Here it learns along."],
      [DALLE, "published: training captions rewritten by a captioner, 95 % of them; prompts lengthened by GPT-4."],
      [MJ, "not public."],
    ],
  },
  denoiser: {
    title: "Denoiser, in latent space",
    facts: [
      [SD, "a UNet of 860 M parameters on 64 × 64 × 4 numbers; 3 a transformer. Here <span data-size='denoiser'></span>."],
      [DALLE, "works on latents of Stable Diffusion’s kind, by the paper’s appendix; the network and its training are not public."],
      [MJ, "not public."],
    ],
  },
  decoder: {
    title: "Decoder",
    facts: [
      [SD, "half of an autoencoder, trained first: 512 × 512 pixels, 64 × 64 cells. Here <span data-size='decoder'></span>."],
      [DALLE, "public, unlike the rest: a diffusion model from latents of Stable Diffusion 1 to pixels, distilled to two steps by consistency training, as the scene Distillation does here."],
      [MJ, "not public."],
    ],
  },
  attention: {
    title: "Cross-attention, word by word",
    facts: [
      [SD, "the same layer: cells ask, words answer. Hertz et al., 2022, read its maps in this way."],
      [`${DALLE}, ${MJ}`, "how words reach their denoisers is not public in full."],
    ],
  },
  pictures: {
    latent: "The latent, its channels side by side",
    xt: "The latent as the decoder sees it",
    x0: "What the denoiser takes it for, decoded",
    image: "The finished image",
  },
};

const FACTOR = 4; // how much shorter the side of a grid of cells is than that of its image

/** What the parts here measure, for the marked places. @param {number[]|undefined} shape of an image: channels, rows, columns @param {object} config */
export function sizes(shape, config) {
  if (!shape) return { denoiser: "its own data", decoder: "its own data" };
  const [rows, columns] = shape.slice(1);
  const cells = `${Math.floor(rows / FACTOR)} × ${Math.floor(columns / FACTOR)}`;
  const side = `${rows} × ${columns}`;
  if (!config.text) return { denoiser: `a network of ${config.latents} numbers`, decoder: `${side}, ${config.latents} numbers` };
  return { denoiser: `cross-attention and a flat layer on ${cells} cells`, decoder: `${side}, ${cells}` };
}
