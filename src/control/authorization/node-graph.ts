/** Which node may read what, kept up to date with the store: the graph of the Node authorizer. */
import {
  gatewayClasses,
  gateways,
  ingressClasses,
  ingresses,
  objectKey,
  persistentVolumes,
  pods,
  type Resource,
  referenceGrants,
} from '../../api/resources.ts'
import type { Ingress, KubeObject, Pod } from '../../api/types/index.ts'
import type { PersistentVolume } from '../../api/types/kubernetes/core-v1.ts'
import { gatewayReferences } from '../../proxy/ingress/gateway/certificates.ts'
import { classView, ingressView, isServed } from '../../proxy/ingress/routes/model.ts'
import { bucketOfResource, follow } from '../storage/follow.ts'
import type { Store } from '../storage/store.ts'
import { claimKeyOf } from '../volumes/claims.ts'
import type { NodeGraph } from './node-authorizer.ts'
import { type Reference, referencesOfIngress, referencesOfPod, secretsOfVolume } from './references.ts'

const textOf = ({ kind, key }: Reference): string => `${kind}/${key}`

/** From objects to what they refer to, to be asked the other way round. */
const createEdges = () => {
  const targetsOf = new Map<string, readonly string[]>()
  const counts = new Map<string, number>()
  const add = (target: string, by: number): void => {
    const count = (counts.get(target) ?? 0) + by
    if (count > 0) counts.set(target, count)
    else counts.delete(target)
  }
  return {
    set: (source: string, targets: readonly string[]): void => {
      for (const target of targetsOf.get(source) ?? []) add(target, -1)
      for (const target of targets) add(target, 1)
      if (targets.length > 0) targetsOf.set(source, targets)
      else targetsOf.delete(source)
    },
    has: (target: string): boolean => counts.has(target),
  }
}

export interface NodeGraphOptions {
  /** ConfigMaps (`namespace/name`) that the options of agents name: every node reads them. */
  readonly configMapsOfNodes?: readonly string[]
}

export const createNodeGraph = (store: Store, { configMapsOfNodes = [] }: NodeGraphOptions = {}): NodeGraph => {
  /** Of each node: `NODE secrets/NAMESPACE/NAME`. */
  const ofPods = createEdges()
  /** Volumes whose drivers need Secrets, with the key of their claim. */
  const withSecrets = new Map<string, { readonly claim: string; readonly secrets: ReadonlySet<string> }>()
  /** Of all nodes, since each of them serves every Ingress and Gateway. */
  const served = createEdges()
  served.set(
    'options',
    configMapsOfNodes.map((key) => textOf({ kind: 'configmaps', key })),
  )

  const all = <T extends KubeObject>(resource: Resource<T>): readonly T[] =>
    store.list(bucketOfResource(resource)).entries.map(({ object }) => object as T)

  const classes = () => new Map(all(ingressClasses).map((each) => [each.metadata.name, classView(each)]))
  let known = classes()
  const seeIngress = (key: string, ingress: Ingress | undefined): void => {
    const isOurs = ingress !== undefined && isServed(ingressView(ingress), known)
    served.set(`ingress ${key}`, isOurs ? referencesOfIngress(ingress).map(textOf) : [])
  }
  const seeGateways = (): void => {
    const found = gatewayReferences(all(gatewayClasses), all(gateways), all(referenceGrants))
    served.set('gateways', [
      ...found.secrets.map((key) => textOf({ kind: 'secrets', key })),
      ...found.configMaps.map((key) => textOf({ kind: 'configmaps', key })),
    ])
  }

  follow(store, pods, (key, pod) => {
    const node = pod?.spec.nodeName
    ofPods.set(key, pod && node ? referencesOfPod(pod).map((each) => `${node} ${textOf(each)}`) : [])
  })
  follow(store, ingresses, seeIngress)
  follow(store, ingressClasses, () => {
    known = classes()
    for (const ingress of all(ingresses)) seeIngress(objectKey(ingress), ingress)
  })
  for (const resource of [gatewayClasses, gateways, referenceGrants]) follow<KubeObject>(store, resource, seeGateways)

  follow(store, persistentVolumes, (name, volume) => {
    const claim = volume && claimKeyOf(volume)
    const secrets = new Set(volume && secretsOfVolume(volume))
    if (claim !== undefined && secrets.size > 0) withSecrets.set(name, { claim, secrets })
    else withSecrets.delete(name)
  })

  const claims = (node: string, claim: string | undefined): boolean =>
    claim !== undefined && ofPods.has(`${node} ${textOf({ kind: 'persistentvolumeclaims', key: claim })}`)

  const claimOfVolume = (name: string): string | undefined => {
    const volume = store.get({ bucket: bucketOfResource(persistentVolumes), name })?.object as
      | PersistentVolume
      | undefined
    return volume && claimKeyOf(volume)
  }

  const needsSecret = (node: string, key: string): boolean =>
    [...withSecrets.values()].some(({ claim, secrets }) => secrets.has(key) && claims(node, claim))

  return {
    refers: (node, kind, key) => {
      if (kind === 'persistentvolumes') return claims(node, claimOfVolume(key))
      const target = textOf({ kind, key })
      return served.has(target) || ofPods.has(`${node} ${target}`) || (kind === 'secrets' && needsSecret(node, key))
    },
    nodeOfPod: (key) => {
      const pod = store.get({ bucket: 'pods', name: key })?.object as Pod | undefined
      return pod && (pod.spec.nodeName ?? '')
    },
  }
}
