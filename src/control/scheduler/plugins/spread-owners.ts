/** Pods of the same owner, and pods at all, in as many places as there are: one node's end should not be the end of all. */
import { ownerOf } from '../framework/node-state.ts'
import { fewest, type Score } from '../framework/plugin.ts'

export const spreadOwners: Score = {
  weight: 3,
  prepare: (pod, fitting) => {
    const owner = ownerOf(pod)
    return fewest(fitting, ({ perOwner }) => perOwner.get(owner) ?? 0)
  },
}

/** Most pods ask for nothing, and take something all the same. */
export const fewPods: Score = { weight: 1, prepare: (_pod, fitting) => fewest(fitting, ({ pods }) => pods.size) }
