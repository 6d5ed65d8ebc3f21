/** `certificatesigningrequests/NAME/approval`: what `kubectl certificate approve` and `deny` write. */
import { type Clock, formatTime } from '../../api/clock.ts'
import { badRequest } from '../../api/errors.ts'
import type { CertificateSigningRequest, KubeObject } from '../../api/types/index.ts'
import type { Objects } from '../objects/objects.ts'
import { inVersion, schemaTypeOf } from '../resources/definition.ts'
import { objectAnswer } from './call.ts'
import { readObject } from './input.ts'
import { patcherOf } from './patches.ts'
import type { SubresourceHandler } from './resources.ts'
import { writeOptionsOf } from './write-options.ts'

const decisions = ['Approved', 'Denied']

const decided = ({ status }: CertificateSigningRequest) =>
  (status?.conditions ?? []).filter(({ type }) => decisions.includes(type))

/** `old` with the conditions of `given`, which may add a decision and take none back. */
const withDecision = (old: CertificateSigningRequest, given: CertificateSigningRequest): CertificateSigningRequest => {
  const wanted = given.status?.conditions ?? []
  const lost = decided(old).find(({ type }) => !wanted.some((each) => each.type === type))
  if (lost)
    throw badRequest(`status.conditions: updates may not remove a condition of type ${JSON.stringify(lost.type)}`)
  return {
    ...old,
    metadata: { ...given.metadata, resourceVersion: given.metadata.resourceVersion ?? '' },
    status: { ...old.status, conditions: wanted },
  }
}

/** Reads for `get`, decides for `update` and `patch`. */
const csrApproval =
  (objects: Objects, clock: Clock): SubresourceHandler =>
  async (call, { verb, name, subresource }, definition) => {
    const target = { namespace: undefined, name }
    if (verb === 'get') return objectAnswer(inVersion(definition, objects.get(definition, target)))
    const apply = verb === 'patch' ? patcherOf(call.contentType) : (_: KubeObject, whole: unknown) => whole
    const kind = verb === 'patch' ? 'PatchOptions' : 'UpdateOptions'
    const options = writeOptionsOf(call, definition, kind, formatTime(clock.now()), subresource)
    const body = await call.body()
    const change = async (object: KubeObject): Promise<KubeObject> => {
      const old = object as CertificateSigningRequest
      const shown = { ...inVersion(definition, old), metadata: { ...old.metadata, resourceVersion: undefined } }
      const wanted = apply(shown, body, schemaTypeOf(definition))
      const input = await readObject(definition, wanted, call.query)
      return withDecision(old, input.object as CertificateSigningRequest)
    }
    const result = await objects.update(definition, target, 'status', change, options)
    return objectAnswer(inVersion(definition, result), 200, options.told)
  }

/** The handlers, by subresource and verb. */
export const csrApprovals = (objects: Objects, clock: Clock): Readonly<Record<string, SubresourceHandler>> => {
  const handler = csrApproval(objects, clock)
  return Object.fromEntries(
    ['get', 'update', 'patch'].map((verb) => [`certificatesigningrequests/approval ${verb}`, handler]),
  )
}
