/** All that is asked: every seed, and every mutant of it. */
import { type Mutant, mutantsOf } from './mutants.ts'
import type { Seed } from './seeds.ts'

export interface Question extends Mutant {
  readonly seed: Seed
}

export const questionsOf = (seed: Seed): readonly Question[] =>
  [{ name: 'as it is', object: seed.object }, ...mutantsOf(seed.object)].map((mutant) => ({ ...mutant, seed }))
