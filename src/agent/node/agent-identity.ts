/**
 * Which agent this is, among those that may claim to be this node: by it, a Lease says who renews it. It outlives the agent's
 * process, so that its successor goes on at once, but neither a reboot nor a copy of the disk on another machine.
 */
import { randomUUID } from 'node:crypto'
import { jsonOf, readOrSetAside } from '../../host/durable-file.ts'
import { writeFileAtomic } from '../../host/files.ts'

interface Kept {
  readonly identity: string
  readonly bootID: string
}

const isKept = (value: unknown): value is Kept =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as Partial<Kept>).identity === 'string' &&
  typeof (value as Partial<Kept>).bootID === 'string'

/** `NODE_…`. A damaged file is set aside: the Lease then has to expire first. */
export const readAgentIdentity = async (
  file: string,
  nodeName: string,
  bootID: string,
  onDamage: (message: string) => void,
): Promise<string> => {
  const kept = await readOrSetAside(file, jsonOf('the identity of an agent', isKept), onDamage)
  if (kept && kept.bootID === bootID && kept.identity.startsWith(`${nodeName}_`)) return kept.identity
  const made: Kept = { identity: `${nodeName}_${randomUUID()}`, bootID }
  await writeFileAtomic(file, JSON.stringify(made))
  return made.identity
}
