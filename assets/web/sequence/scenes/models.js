// Published sizes of models that are trained with the same loss, each with its source. FLOP of training are 6 · parameters · tokens (Kaplan et
// al., 2020), and say so, except where a paper gives them.

/** @type {{name: string, parameters: number, layers: number, width: number, heads: number, context: number, vocab: number, tokens: number|null, flop: number|null, source: string}[]} */
export const PUBLISHED = [
  // Radford et al., 2019, table 2; the paper's 117M and 1542M. WebText is 40 GB of text; its tokens and passes are not given.
  { name: "GPT-2 small", parameters: 124e6, layers: 12, width: 768, heads: 12, context: 1024, vocab: 50_257, tokens: null, flop: null, source: "Radford et al., 2019" },
  { name: "GPT-2 XL", parameters: 1.56e9, layers: 48, width: 1600, heads: 25, context: 1024, vocab: 50_257, tokens: null, flop: null, source: "Radford et al., 2019" },
  // Brown et al., 2020, tables 2.1 and D.1: 300 billion tokens, 3.14e23 FLOP.
  { name: "GPT-3 175B", parameters: 175e9, layers: 96, width: 12_288, heads: 96, context: 2048, vocab: 50_257, tokens: 300e9, flop: 3.14e23, source: "Brown et al., 2020" },
  // Grattafiori et al., 2024, tables 3 and 4, section 3.1: 15.6T tokens and 3.8e25 FLOP for 405B; the model card says 15T+ for 8B and 70B.
  { name: "Llama 3 8B", parameters: 8e9, layers: 32, width: 4096, heads: 32, context: 8192, vocab: 128_256, tokens: 15e12, flop: null, source: "Llama 3 model card, 2024" },
  { name: "Llama 3 70B", parameters: 70e9, layers: 80, width: 8192, heads: 64, context: 8192, vocab: 128_256, tokens: 15e12, flop: null, source: "Llama 3 model card, 2024" },
  { name: "Llama 3 405B", parameters: 405e9, layers: 126, width: 16_384, heads: 128, context: 8192, vocab: 128_256, tokens: 15.6e12, flop: 3.8e25, source: "Grattafiori et al., 2024" },
];

/** FLOP of training, from the paper or by the rule of six; null where the tokens are not published. */
export const flopOf = ({ parameters, tokens, flop }) => flop ?? (tokens == null ? null : 6 * parameters * tokens);
