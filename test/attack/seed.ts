/** The seed of everything random in a run: `--seed`, 1 without it. */
export const seed = Number(process.env['SLIPWAY_ATTACK_SEED'] ?? 1);
