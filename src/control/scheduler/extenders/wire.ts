/** What extenders are asked and what they answer: extender/v1 of kube-scheduler, in its JSON. Pure. */
import { isJsonObject, type JsonObject } from '../../../api/json.ts'
import type { Node, Pod } from '../../../api/types/index.ts'
import type { Candidate } from '../framework/extend.ts'
import type { Objection } from '../framework/filter.ts'
import { plainText } from '../framework/plain-text.ts'

/** Names are enough for who keeps nodes and pods himself. */
export interface WireForm {
  readonly namesOnly: boolean
}

const nameOf = ({ metadata }: Node): string => metadata.name

export const nodesArgs = (pod: Pod, nodes: readonly Node[], { namesOnly }: WireForm): JsonObject => ({
  Pod: pod,
  Nodes: namesOnly ? null : { metadata: {}, items: nodes },
  NodeNames: namesOnly ? nodes.map(nameOf) : null,
})

export const bindingArgs = ({ metadata }: Pod, node: Node): JsonObject => ({
  ...{ PodName: metadata.name, PodNamespace: metadata.namespace ?? '', PodUID: metadata.uid ?? '' },
  Node: nameOf(node),
})

export const preemptionArgs = (pod: Pod, candidates: readonly Candidate[], { namesOnly }: WireForm): JsonObject => {
  const victims = candidates.map(({ state, victims: pods, violations }) => [
    nameOf(state.node),
    {
      Pods: namesOnly ? pods.map(({ metadata }) => ({ UID: metadata.uid ?? '' })) : pods,
      NumPDBViolations: violations,
    },
  ])
  return {
    Pod: pod,
    NodeNameToVictims: namesOnly ? null : Object.fromEntries(victims),
    NodeNameToMetaVictims: namesOnly ? Object.fromEntries(victims) : null,
  }
}

/** Go reads the names of fields in any case, so extenders write them in any. */
const field = (object: JsonObject, name: string): unknown => {
  if (Object.hasOwn(object, name)) return object[name]
  const lower = name.toLowerCase()
  const found = Object.keys(object).find((key) => key.toLowerCase() === lower)
  return found === undefined ? undefined : object[found]
}

const objectIn = (object: JsonObject, name: string): JsonObject | undefined => {
  const value = field(object, name) ?? undefined
  if (value !== undefined && !isJsonObject(value)) throw new Error(`${name} in the answer is no object`)
  return value
}

const listIn = (object: JsonObject, name: string): readonly unknown[] | undefined => {
  const value = field(object, name) ?? undefined
  if (value !== undefined && !Array.isArray(value)) throw new Error(`${name} in the answer is no list`)
  return value
}

const answerOf = (answer: unknown): JsonObject => {
  if (!isJsonObject(answer)) throw new Error('the answer is no object')
  const error = field(answer, 'Error') ?? ''
  if (typeof error !== 'string') throw new Error('Error in the answer is no string')
  if (error !== '') throw new Error(plainText(error) || 'it says that it has failed')
  return answer
}

const namesIn = (answer: JsonObject, { namesOnly }: WireForm): readonly unknown[] => {
  const names = namesOnly ? listIn(answer, 'NodeNames') : undefined
  if (names) return names
  const nodes = objectIn(answer, 'Nodes')
  return (nodes ? (listIn(nodes, 'items') ?? []) : []).map((node) => {
    const metadata = isJsonObject(node) ? node['metadata'] : undefined
    return isJsonObject(metadata) ? metadata['name'] : undefined
  })
}

const unnamed = 'node(s) were filtered out by an extender'

/** What speaks against each of the nodes that were asked about and did not come back. */
export const filterAnswer = (
  answer: unknown,
  nodes: readonly Node[],
  form: WireForm,
): ReadonlyMap<string, Objection> => {
  const whole = answerOf(answer)
  const asked = new Set(nodes.map(nameOf))
  const left = new Set(namesIn(whole, form))
  for (const name of left)
    if (typeof name !== 'string' || !asked.has(name))
      throw new Error(`the answer has the node ${plainText(JSON.stringify(name) ?? '')}, which was not asked about`)
  const failed = objectIn(whole, 'FailedNodes') ?? {}
  const final = objectIn(whole, 'FailedAndUnresolvableNodes') ?? {}
  const reasonIn = (map: JsonObject, name: string): string | undefined => {
    const reason = Object.hasOwn(map, name) ? map[name] : undefined
    return typeof reason === 'string' ? plainText(reason) || unnamed : undefined
  }
  return new Map(
    [...asked].flatMap((name): [string, Objection][] => {
      if (left.has(name)) return []
      const isFinal = reasonIn(final, name) !== undefined
      return [[name, { reasons: [reasonIn(final, name) ?? reasonIn(failed, name) ?? unnamed], isFinal }]]
    }),
  )
}

/** Scores by the names of nodes, 10 at best. */
export const prioritizeAnswer = (answer: unknown): ReadonlyMap<string, number> => {
  if (!Array.isArray(answer)) throw new Error('the answer is no list')
  return new Map(
    answer.map((each: unknown): [string, number] => {
      const [host, score] = isJsonObject(each) ? [field(each, 'Host'), field(each, 'Score')] : []
      if (typeof host !== 'string' || typeof score !== 'number' || !Number.isFinite(score))
        throw new Error('the answer has an entry without Host and Score')
      return [host, score]
    }),
  )
}

export const bindAnswer = (answer: unknown): void => {
  answerOf(answer)
}

/** Those of the candidates that are left, each with the victims that the answer has for it: none that is as important as the pod. */
export const preemptAnswer = (
  answer: unknown,
  { spec: { priority = 0 } }: Pod,
  candidates: readonly Candidate[],
): readonly Candidate[] => {
  const left = objectIn(answerOf(answer), 'NodeNameToMetaVictims') ?? {}
  const known = new Map(candidates.map((candidate) => [nameOf(candidate.state.node), candidate]))
  return Object.entries(left).map(([name, value]) => {
    const candidate = known.get(name)
    if (!candidate || !isJsonObject(value))
      throw new Error(`the answer has the node ${plainText(JSON.stringify(name))}, which was not asked about`)
    const { state } = candidate
    const pods = new Map([...state.pods.values()].map((pod) => [pod.metadata.uid, pod]))
    const victims = (listIn(value, 'Pods') ?? []).map((each) => {
      const uid = isJsonObject(each) ? field(each, 'UID') : undefined
      const pod = typeof uid === 'string' ? pods.get(uid) : undefined
      if (!pod) throw new Error(`the answer has a victim on ${name} that is not there`)
      if ((pod.spec.priority ?? 0) >= priority)
        throw new Error(`the answer has a victim on ${name} that is no less important than the pod`)
      return pod
    })
    if (victims.length === 0) throw new Error(`the answer has no victims on ${name}`)
    const violations = field(value, 'NumPDBViolations') ?? 0
    if (typeof violations !== 'number' || !Number.isFinite(violations))
      throw new Error('NumPDBViolations in the answer is no number')
    return { state, victims, violations }
  })
}
