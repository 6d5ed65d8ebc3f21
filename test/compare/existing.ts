/** Objects that have to be there so that something can be changed: made before, and taken away afterwards. */
import type { Asker } from './ask.ts'
import type { Value } from './mutants.ts'
import { nameOf, type Seed } from './seeds.ts'

const urlOf = (seed: Seed): string => `${seed.path}/${nameOf(seed)}`
const released = { metadata: { finalizers: null } }

/** Whatever holds it, and whether it is there or not. */
export const removeSeed = async (asker: Asker, seed: Seed): Promise<void> => {
  const url = urlOf(seed)
  const type = 'application/merge-patch+json'
  await asker.ask({ method: 'PATCH', path: url, type, body: released })
  await asker.ask({ method: 'DELETE', path: `${url}?gracePeriodSeconds=0&propagationPolicy=Background` })
  const { code, body } = await asker.ask({ method: 'GET', path: url })
  if (code === 404) return
  if (seed.object['kind'] === 'Namespace')
    await asker.ask({ method: 'PUT', path: `${url}/finalize`, body: { ...(body as object), spec: {} } })
  else await asker.ask({ method: 'PATCH', path: url, type, body: released })
}

/** As the server made it; undefined when it makes none. */
export const makeSeed = async (asker: Asker, seed: Seed): Promise<Value | undefined> => {
  await removeSeed(asker, seed)
  const { code, body } = await asker.ask({ method: 'POST', path: seed.path, body: seed.object })
  return code === 201 ? body : undefined
}
