/** Subresources with rules of their own. */

import { type Clock, formatTime } from '../../api/clock.ts'
import { withCondition } from '../../api/conditions.ts'
import { conflict, invalid, required } from '../../api/errors.ts'
import type { Binding, KubeObject, Namespace, Pod } from '../../api/types/index.ts'
import type { Objects } from '../objects/objects.ts'
import { validateFormats } from '../registry/validate-formats.ts'
import { madeAnswer, objectAnswer } from './call.ts'
import { readObject, readTyped } from './input.ts'
import type { SubresourceHandler } from './resources.ts'
import { admittedRequest, writeOptionsOf } from './write-options.ts'

const bindingType = { kind: 'Binding', apiVersion: 'v1', schemaType: 'core/v1.Binding' } as const

/** A pod on its node: `spec.nodeName` and the PodScheduled condition. Throws Conflict when it has one already. */
export const bindPod = (pod: Pod, { target, metadata }: Binding, now: number): Pod => {
  const resource = { group: '', plural: 'pods/binding' }
  const node = target.name
  const wrong = node ? validateFormats({ target }, bindingType.schemaType) : [required('target.name')]
  if (wrong.length > 0) throw invalid({ group: '', kind: bindingType.kind }, pod.metadata.name, wrong)
  if (metadata?.uid && metadata.uid !== pod.metadata.uid)
    throw conflict(resource, pod.metadata.name, `the UID of the binding (${metadata.uid}) is not the pod's`)
  if (pod.metadata.deletionTimestamp)
    throw conflict(
      resource,
      pod.metadata.name,
      `pod ${pod.metadata.name} is being deleted, cannot be assigned to a host`,
    )
  if (pod.spec.nodeName)
    throw conflict(
      resource,
      pod.metadata.name,
      `pod ${pod.metadata.name} is already assigned to node "${pod.spec.nodeName}"`,
    )
  if ((pod.spec.schedulingGates ?? []).length > 0)
    throw conflict(resource, pod.metadata.name, `pod ${pod.metadata.name} has non-empty .spec.schedulingGates`)
  const scheduled = { type: 'PodScheduled', status: 'True' } as const
  return {
    ...pod,
    spec: { ...pod.spec, nodeName: node },
    status: { ...pod.status, conditions: withCondition(pod.status?.conditions, scheduled, now) },
  }
}

/** `POST pods/NAME/binding` */
export const podBinding =
  (objects: Objects, clock: Clock): SubresourceHandler =>
  async (call, request, definition) => {
    const { namespace, name } = request
    const { object: given, warnings } = readTyped(await call.body(), bindingType, call.query)
    const { object, dryRun, told } = await admittedRequest(objects, call, request, definition, {
      ...{ operation: 'create', type: bindingType, object: given },
    })
    const binding = object as Binding
    const change = (old: KubeObject): KubeObject => ({
      ...bindPod(old as Pod, binding, clock.now()),
      metadata: { ...old.metadata, resourceVersion: undefined },
    })
    await objects.update(definition, { namespace, name }, 'internal', change, { user: call.user, dryRun })
    return madeAnswer([...warnings, ...told])
  }

/** `PUT namespaces/NAME/finalize`: the one way to change a namespace's finalizers; without any left it goes. */
export const namespaceFinalize =
  (objects: Objects, clock: Clock): SubresourceHandler =>
  async (call, { name, subresource }, definition) => {
    const options = writeOptionsOf(call, definition, 'UpdateOptions', formatTime(clock.now()), subresource)
    const { object, warnings } = await readObject(definition, await call.body(), call.query)
    const given = object as Namespace
    const change = (old: KubeObject): KubeObject =>
      ({
        ...old,
        metadata: { ...old.metadata, resourceVersion: given.metadata.resourceVersion },
        spec: { ...(old as Namespace).spec, finalizers: given.spec?.finalizers ?? [] },
      }) as Namespace
    const target = { namespace: undefined, name }
    const result = await objects.update(definition, target, 'internal', change, options)
    return objectAnswer(result, 200, [...warnings, ...options.told])
  }
