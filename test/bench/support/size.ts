/** `npm run bench -- --smoke`: every bench in a tiny size. Its figures mean nothing; that there are some does. */
const isSmoke = process.env['PODWAY_BENCH_SMOKE'] === '1'

/** As much as a measurement wants, or as little as shows that the bench still works. */
export const sized = (whole: number, smoke: number): number => (isSmoke ? smoke : whole)
