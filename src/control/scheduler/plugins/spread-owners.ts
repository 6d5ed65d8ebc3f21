/** Pods of the same owner, and pods at all, in as many places as there are: one node's end should not be the end of all. */
import { ownerOf } from '../framework/node-state.ts'
import type { Plugin } from '../framework/plugin.ts'
import { fewest } from '../framework/score.ts'

export const selectorSpread: Plugin = {
  name: 'SelectorSpread',
  score: {
    weight: 3,
    prepare: (pod, fitting) => {
      const owner = ownerOf(pod)
      return fewest(fitting, ({ perOwner }) => perOwner.get(owner) ?? 0)
    },
  },
}

/** Most pods ask for nothing, and take something all the same. */
export const fewestPods: Plugin = {
  name: 'FewestPods',
  score: { weight: 1, prepare: (_pod, fitting) => fewest(fitting, ({ pods }) => pods.size) },
}
