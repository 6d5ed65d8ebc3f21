/** Images for tests: what a registry has is told, and a pull brings it here. */
import { digestOf, isDigest } from '../../images/digest.ts'
import { parseReference, repositoryName, storedName } from '../../images/reference.ts'
import { type Image, type ImageConfig, type Images, InvalidImageName } from './images.ts'

export interface FakeImages extends Images {
  /** Every call that changed something, as `pull nginx:1`. */
  readonly calls: readonly string[]
  /** The registry has it from now on; an Error is what pulls of it end with. */
  serve(reference: string, what: Partial<ImageConfig> | Error): void
  /** Pulls wait until the function that is returned is called. */
  hold(): () => void
  /** Nobody can tell what is here, until `mend`. */
  damage(why: string): void
  mend(): void
}

/** In full, as the image store has it. */
const nameOf = (reference: string): string => {
  if (isDigest(reference)) return reference
  try {
    return storedName(parseReference(reference))
  } catch {
    throw new InvalidImageName(reference)
  }
}

/** By content, as everywhere: what has two names is one image. */
const imageOf = (name: string, what: Partial<ImageConfig>, names: readonly string[]): Image => {
  const config = { entrypoint: [], cmd: [], env: {}, user: '', workingDir: '', ...what }
  const id = digestOf(Buffer.from(JSON.stringify(config)))
  const digest = `${repositoryName(parseReference(name))}@${id}`
  return { id, digest, names: [...new Set([...names, name, digest])], sizeBytes: 1000, limitations: [], config }
}

export const createFakeImages = (): FakeImages => {
  const calls: string[] = []
  const registry = new Map<string, Partial<ImageConfig> | Error>()
  const here = new Map<string, Image>()
  let held = Promise.resolve()
  let damage: string | undefined

  const find = (name: string): Image | undefined =>
    [...here.values()].find(({ id, names }) => id === name || names.includes(name))

  /** A tag leads to one image: that which had it keeps the other names. */
  const take = (name: string, from: Image): void => {
    here.set(from.id, { ...from, names: from.names.filter((each) => each !== name) })
  }

  return {
    calls,
    serve: (reference, what) => void registry.set(nameOf(reference), what),
    hold: () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      held = promise
      return resolve
    },
    damage: (why) => {
      damage = why
    },
    mend: () => {
      damage = undefined
    },
    find: async (reference) => {
      if (damage !== undefined) throw new Error(damage)
      return find(nameOf(reference))
    },
    pull: async (reference, _logins, signal) => {
      const name = nameOf(reference)
      calls.push(`pull ${reference}`)
      await held
      signal.throwIfAborted()
      const served = registry.get(name) ?? new Error(`${reference}: not found`)
      if (served instanceof Error) throw served
      const before = find(name)
      if (before) take(name, before)
      const { id } = imageOf(name, served, [])
      const image = imageOf(name, served, here.get(id)?.names ?? [])
      here.set(id, image)
      return image
    },
    list: async () => [...here.values()],
    remove: async (id) => void here.delete(id),
  }
}
