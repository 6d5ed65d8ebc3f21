/** Images for tests: what a registry has is told, and a pull brings it here. */
import { type Image, type ImageConfig, type Images, InvalidImageName } from './images.ts'

export interface FakeImages extends Images {
  /** Every call that changed something, as `pull nginx:1`. */
  readonly calls: readonly string[]
  /** The registry has it from now on; an Error is what pulls of it end with. */
  serve(reference: string, what: Partial<ImageConfig> | Error): void
  /** Pulls wait until the function that is returned is called. */
  hold(): () => void
}

const imageOf = (reference: string, config: Partial<ImageConfig>): Image => {
  const id = `sha256:${Buffer.from(reference).toString('hex').padEnd(64, '0').slice(0, 64)}`
  return {
    ...{ id, digest: `registry.test/${reference.replace(/:[^/:]*$/, '')}@${id}`, names: [reference], sizeBytes: 1000 },
    limitations: [],
    config: { entrypoint: [], cmd: [], env: {}, user: '', workingDir: '', ...config },
  }
}

const check = (reference: string): void => {
  if (!/^[a-z0-9]+([._/:-]+[A-Za-z0-9]+)*(@sha256:[0-9a-f]{64})?$/.test(reference))
    throw new InvalidImageName(reference)
}

export const createFakeImages = (): FakeImages => {
  const calls: string[] = []
  const registry = new Map<string, Partial<ImageConfig> | Error>()
  const here = new Map<string, Image>()
  let held = Promise.resolve()
  return {
    calls,
    serve: (reference, what) => void registry.set(reference, what),
    hold: () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      held = promise
      return resolve
    },
    find: async (reference) => {
      check(reference)
      return here.get(reference)
    },
    pull: async (reference) => {
      check(reference)
      calls.push(`pull ${reference}`)
      await held
      const served = registry.get(reference) ?? new Error(`${reference}: not found`)
      if (served instanceof Error) throw served
      const image = imageOf(reference, served)
      here.set(reference, image)
      return image
    },
    list: async () => [...here.values()],
    remove: async (id) => {
      for (const [reference, image] of here) if (image.id === id) here.delete(reference)
    },
  }
}
