/** Nodes that have the pod's images already: the larger and the wider spread, the better. */
import type { NodeState } from '../framework/node-state.ts'
import type { Plugin } from '../framework/plugin.ts'
import type { Score } from '../framework/score.ts'

const mebibyte = 2 ** 20
/** Less is fetched in no time; more than so much for each container counts as so much. */
const smallest = 23 * mebibyte
const largestEach = 1000 * mebibyte

/** Where nothing else is said, the tag is `latest`. */
const tagged = (name: string): string =>
  name.includes('@') || name.lastIndexOf(':') > name.lastIndexOf('/') ? name : `${name}:latest`

const sizeOn = ({ images }: NodeState, image: string): number => images.get(image) ?? 0

const score: Score = {
  weight: 1,
  prepare: ({ spec }, _fitting, { nodes }) => {
    const images = [...(spec.initContainers ?? []), ...spec.containers].flatMap(({ image }) =>
      image ? [tagged(image)] : [],
    )
    if (images.length === 0 || !nodes.some(({ images }) => images.size > 0)) return undefined
    const spread = new Map(
      images.map((image) => [image, nodes.filter((state) => sizeOn(state, image) > 0).length / nodes.length]),
    )
    const largest = largestEach * images.length
    return (state) => {
      const bytes = images.reduce((sum, image) => sum + sizeOn(state, image) * (spread.get(image) ?? 0), 0)
      return (100 * (Math.min(Math.max(bytes, smallest), largest) - smallest)) / (largest - smallest)
    }
  },
}

export const imageLocality: Plugin = { name: 'ImageLocality', score }
