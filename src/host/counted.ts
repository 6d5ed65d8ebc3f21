/** A number with the noun that it counts: `1 node`, `3 nodes`. */
export const counted = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`
