/** How much the random tests do: a little every day, much in `npm run test:long`, where the seed is another each time. */

const isLong = process.env['PODWAY_TEST_LONG'] === '1'
/** Set by `npm run mutants` for rooms whose random tests take long: everything runs a thousand times over. */
const isShort = process.env['PODWAY_TEST_SHORT'] === '1'

/** How many rounds to go. */
export const rounds = (everyday: number, long: number): number =>
  isLong ? long : isShort ? Math.ceil(everyday / 8) : everyday

/** Where randomness starts: `PODWAY_TEST_SEED`, which the long run sets and prints, or always the same. */
export const seedOr = (everyday: number): number => Number(process.env['PODWAY_TEST_SEED'] ?? everyday)
