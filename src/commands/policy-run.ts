import type { Client } from '../api/client.ts'
import { namespaces, networkPolicies, objectKey, pods } from '../api/resources.ts'
import type { Protocol } from '../api/types/index.ts'
import { print } from '../host/terminal.ts'
import { isAddress } from '../ip/address.ts'
import { type DirectionVerdict, type End, evaluate, type PolicyWorld } from '../overlay/policy/evaluate.ts'
import { readPolicy } from '../overlay/policy/model.ts'
import { toPolicyPod } from '../overlay/policy/pod.ts'
import { withCluster } from './cluster.ts'
import { checkOutput, printJson } from './output.ts'
import type { ExplainOptions } from './policy.ts'
import { UsageError } from './usage-error.ts'

const protocols: readonly Protocol[] = ['TCP', 'UDP', 'SCTP']

const readWorld = async (client: Client): Promise<PolicyWorld> => {
  const [podList, namespaceList, policyList] = await Promise.all([
    client.list(pods),
    client.list(namespaces),
    client.list(networkPolicies),
  ])
  return {
    pods: new Map(podList.items.map((pod) => [objectKey(pod), toPolicyPod(pod)])),
    namespaces: new Map(namespaceList.items.map(({ metadata }) => [metadata.name, metadata.labels ?? {}])),
    policies: policyList.items.map(readPolicy),
  }
}

/** An end, and what to call it. */
interface NamedEnd extends End {
  readonly name: string
}

const findEnd = (text: string, namespace: string, { pods: known }: PolicyWorld): NamedEnd => {
  if (isAddress(text)) {
    const found = [...known].find(([, { addresses }]) => addresses.includes(text))
    return { address: text, pod: found?.[1], name: found ? `${found[0]} (${text})` : text }
  }
  const key = text.includes('/') ? text : `${namespace}/${text}`
  const pod = known.get(key)
  if (!pod) throw new Error(`there is no pod ${key}; a pod of another namespace is named NAMESPACE/NAME`)
  const [address] = pod.addresses
  if (address === undefined)
    throw new Error(
      `pod ${key} has no address of its own: policies say nothing of it (is it running, off the host network?)`,
    )
  return { address, pod, name: `${key} (${address})` }
}

const splitPort = (text: string): { readonly end: string; readonly port: string } => {
  const found = /^(?:\[([^\]]+)\]|([^:]+)):([^:]+)$/.exec(text)
  if (!found) throw new UsageError(`${text}: expected a pod or an address with a port, such as web-1:80`)
  return { end: found[1] ?? found[2] ?? '', port: found[3] ?? '' }
}

const portOf = (text: string, { pod, name }: NamedEnd, protocol: Protocol): number => {
  if (/^\d{1,5}$/.test(text) && Number(text) > 0 && Number(text) < 65_536) return Number(text)
  const named = pod?.ports.find((port) => port.name === text && port.protocol === protocol)
  if (!named) throw new Error(`${name} has no ${protocol} port ${text}`)
  return named.port
}

const sentence = ({ direction, isAllowed, policies, rules }: DirectionVerdict, { name }: NamedEnd): string => {
  const start = `  ${direction} of ${name}: `
  if (policies.length === 0) return `${start}allowed, no policy applies`
  if (isAllowed) return `${start}allowed by ${rules.join(', ')}`
  return `${start}denied, none of these allows it: ${policies.join(', ')}`
}

export const explain = async (fromText: string, toText: string, options: ExplainOptions): Promise<void> => {
  const { namespace, output } = options
  checkOutput(output)
  const protocol = protocols.find((each) => each === options.protocol.toUpperCase())
  if (!protocol) throw new UsageError(`--protocol ${options.protocol}: expected ${protocols.join(', ')}`)
  const target = splitPort(toText)
  const world = await withCluster(options, readWorld)
  const from = findEnd(fromText, namespace, world)
  const to = findEnd(target.end, namespace, world)
  const port = portOf(target.port, to, protocol)
  const verdicts = evaluate({ from, to, protocol, port }, world)
  const isAllowed = verdicts.every((verdict) => verdict.isAllowed)
  if (output === 'json')
    return printJson({ from: from.address, to: to.address, protocol, port, isAllowed, directions: verdicts })
  print(`${from.name} to ${to.name} ${protocol} ${port}: ${isAllowed ? 'allowed' : 'denied'}`)
  for (const verdict of verdicts) print(sentence(verdict, verdict.direction === 'egress' ? from : to))
  if (!from.pod && to.pod) print(`  (the node of ${to.name} itself always reaches it)`)
}
