/**
 * Walks a pod's search list for it. With `ndots:5` a pod asks for `example.com` first as
 * `example.com.NAMESPACE.svc.cluster.local`, then under two more names of the cluster, then under its node's, and only then
 * as itself. Here the first of these questions is answered with what the whole walk would have found, under an alias.
 * (CoreDNS: autopath.) Off unless asked for: clients see an alias that was not there before.
 */
import { splitKey } from '../../api/resources.ts'
import type { Handler, Reply, Request } from '../chain/request.ts'
import { rcodes, types } from '../wire/constants.ts'
import { type NamedRecord, writeResponse } from '../wire/response.ts'
import { addressRecord, cnameRecord } from '../zone/records.ts'
import type { Zone } from '../zone/zone.ts'

export interface CompletionOptions {
  readonly zone: Zone
  /** `cluster.local` */
  readonly origin: string
  /** The namespace of the pod with this address; undefined for who is no pod. */
  readonly namespaceOf: (client: string) => string | undefined
  /** What a node's resolver adds after the cluster's domains. */
  readonly searches: readonly string[]
  readonly isComplete: () => boolean
  readonly ttl: number
}

export const completion = (options: CompletionOptions): Handler => {
  const { zone, origin, namespaceOf, searches, isComplete, ttl } = options
  const end = `.svc.${origin}`

  /** What the pod looks for, when this is the first step of its walk; undefined else. */
  const wantedOf = ({ query, client }: Request): string | undefined => {
    if (query.type !== types.A && query.type !== types.AAAA) return undefined
    if (!query.name.endsWith(end) || !isComplete()) return undefined
    const namespace = namespaceOf(client)
    const first = namespace === undefined ? undefined : `.${namespace}${end}`
    if (first === undefined || !query.name.endsWith(first) || zone.find(query.name, query.type).exists) return undefined
    const wanted = query.name.slice(0, -first.length)
    // A single label is a Service that there is not, or nothing at all.
    return wanted.includes('.') ? wanted : undefined
  }

  /** The next steps within the cluster: the first name that exists ends the walk. */
  const inCluster = (wanted: string, type: number): string | undefined =>
    [`${wanted}${end}`, `${wanted}.${origin}`].find((name) => zone.find(name, type).exists)

  const elsewhere = async (
    wanted: string,
    { query: { type }, resolve }: Request,
  ): Promise<readonly [string, readonly NamedRecord[]] | undefined> => {
    for (const name of [...searches.map((search) => `${wanted}.${search}`), wanted]) {
      const { rcode, answers } = await resolve(name, type)
      if (rcode === rcodes.ok && answers.some((record) => record.type === type)) return [name, answers]
    }
    return undefined
  }

  const reply = ({ query, limit }: Request, target: string, records: readonly NamedRecord[]): Buffer => {
    const { type, data } = cnameRecord(query.name, target)
    const answers = [{ type, data, ttl: Math.min(ttl, ...records.map((record) => record.ttl)) }, ...records]
    return writeResponse(query, { rcode: rcodes.ok, isAuthoritative: true, answers }, limit)
  }

  return (request, next): Reply => {
    const wanted = wantedOf(request)
    if (wanted === undefined) return next()
    const { type } = request.query
    const near = inCluster(wanted, type)
    if (near !== undefined) {
      const records = zone.find(near, type).records.map(({ data }) => ({ owner: near, type, data, ttl }))
      // One without addresses of this family, or that leads on: the pod walks on as ever.
      return records.length > 0 ? reply(request, near, records) : next()
    }
    return elsewhere(wanted, request).then((found) => (found ? reply(request, found[0], found[1]) : next()))
  }
}

/** The namespaces of pods by their addresses, as the zone's pod records tell them. */
export const createPodNamespaces = () => {
  const namespaces = new Map<string, string>()
  const byPod = new Map<string, readonly string[]>()
  return {
    /** `pod` is `NAMESPACE/NAME`; `addresses` as bytes of its records. */
    set: (pod: string, addresses: readonly Uint8Array[]): void => {
      const { namespace } = splitKey(pod)
      const keys = addresses.map((data) => Buffer.from(data).toString('hex'))
      // An address may have gone to another pod before we hear of the end of its first.
      for (const key of byPod.get(pod) ?? [])
        if (!keys.includes(key) && namespaces.get(key) === namespace) namespaces.delete(key)
      for (const key of keys) namespaces.set(key, namespace)
      if (keys.length > 0) byPod.set(pod, keys)
      else byPod.delete(pod)
    },
    of: (client: string): string | undefined =>
      namespaces.get(Buffer.from(addressRecord('', client).data).toString('hex')),
  }
}
