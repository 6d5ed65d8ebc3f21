/** `pods/NAME/exec`, `attach` and `portforward`: who may and whom is meant is decided here, the rest by the node's agent. */
import { badRequest } from '../../api/errors.ts'
import type { Pod } from '../../api/types/index.ts'
import type { Dialer } from '../dial/dialer.ts'
import type { Objects } from '../objects/objects.ts'
import type { SubresourceHandler } from '../server/resources.ts'
import { chooseContainer, nodeOfPod } from './node-of-pod.ts'
import { passOn } from './pass-on.ts'

const isSet = (query: URLSearchParams, name: string): boolean => ['true', '1'].includes(query.get(name) ?? '')

/** The options of the API, as kubelets are asked. Throws BadRequest. */
const streamQuery = (query: URLSearchParams): URLSearchParams => {
  const asked = new URLSearchParams()
  for (const [ours, theirs] of [
    ['stdin', 'input'],
    ['stdout', 'output'],
    ['stderr', 'error'],
    ['tty', 'tty'],
  ] as const)
    if (isSet(query, ours)) asked.set(theirs, '1')
  if (!['input', 'output', 'error'].some((name) => asked.has(name)))
    throw badRequest('you must specify at least one of stdin, stdout, stderr')
  return asked
}

const pathOf = (...words: readonly string[]): string => `/${words.map(encodeURIComponent).join('/')}`

/** With a container; `queryOf`: what the agent is asked. */
const withContainer =
  (verb: 'exec' | 'attach', queryOf: (asked: URLSearchParams) => URLSearchParams) =>
  (objects: Objects, dialer: Dialer): SubresourceHandler =>
  async (call, { namespace = '', name }, definition) => {
    const pod = objects.get(definition, { namespace, name }) as Pod
    const query = queryOf(call.query)
    const container = chooseContainer(pod, call.query.get('container'))
    const path = pathOf(verb, namespace, name, pod.metadata.uid ?? '', container)
    return passOn(call, dialer, nodeOfPod(pod), `${path}?${query}`)
  }

const execQuery = (asked: URLSearchParams): URLSearchParams => {
  const query = streamQuery(asked)
  const command = asked.getAll('command')
  if (command.length === 0) throw badRequest('you must specify a command for the exec request')
  for (const word of command) query.append('command', word)
  return query
}

export const podExec = withContainer('exec', execQuery)
export const podAttach = withContainer('attach', streamQuery)

export const podPortForward =
  (objects: Objects, dialer: Dialer): SubresourceHandler =>
  async (call, { namespace = '', name }, definition) => {
    const pod = objects.get(definition, { namespace, name }) as Pod
    const query = new URLSearchParams()
    for (const ports of call.query.getAll('ports')) query.append('port', ports)
    const path = pathOf('portForward', namespace, name, pod.metadata.uid ?? '')
    return passOn(call, dialer, nodeOfPod(pod), `${path}?${query}`)
  }
