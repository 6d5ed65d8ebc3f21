/** What is asked: whether each object would be created, what each change would make of it, and how the protocol is kept. */
import type { Asked } from './ask.ts'
import { changesOf } from './changes.ts'
import { mutantsOf, type Value } from './mutants.ts'
import { protocolQuestions } from './protocol.ts'
import { type Seed, seeds } from './seeds.ts'

export interface Question {
  /** The seed's, or a part of the protocol's. */
  readonly about: string
  readonly name: string
  /** `existing`: what the server itself made of the seed, where there has to be one. */
  readonly ask: (existing: Value) => Asked
  /** The words of the answer count, too. */
  readonly words?: boolean
}

export interface Topic {
  readonly about: string
  /** What there has to be first; missing: nothing. */
  readonly seed?: Seed
  readonly questions: readonly Question[]
}

const creation = (seed: Seed): Topic => ({
  about: seed.name,
  questions: [{ name: 'as it is', object: seed.object }, ...mutantsOf(seed.object)].map(({ name, object }) => ({
    about: seed.name,
    name,
    ask: () => ({ method: 'POST', path: `${seed.path}?dryRun=All`, body: object }),
  })),
})

const change = (seed: Seed): Topic => ({ about: `${seed.name} changed`, seed, questions: changesOf(seed) })

export const topics: readonly Topic[] = [
  ...seeds.map(creation),
  ...seeds.map(change),
  { about: 'protocol', questions: protocolQuestions },
]
