/** `pods/NAME/exec`, `attach` and `portforward`: who may and whom is meant is decided here, the rest by the node's agent. */
import { badRequest } from '../../api/errors.ts'
import type { Pod } from '../../api/types/index.ts'
import type { Dialer } from '../dial/dialer.ts'
import type { Objects } from '../objects/objects.ts'
import type { Call } from '../server/call.ts'
import type { SubresourceHandler } from '../server/resources.ts'
import { type ConnectionKind, connecting, flags } from './connecting.ts'
import { chooseContainer, nodeOfPod } from './node-of-pod.ts'
import { passOn } from './pass-on.ts'

interface StreamOptions {
  readonly stdin?: boolean
  readonly stdout?: boolean
  readonly stderr?: boolean
  readonly tty?: boolean
  readonly container?: string
}

interface ExecOptions extends StreamOptions {
  readonly command?: readonly string[]
}

interface PortForwardOptions {
  readonly ports?: readonly number[]
}

/** The options of the API, as kubelets are asked. Throws BadRequest. */
const streamQuery = (options: StreamOptions): URLSearchParams => {
  const asked = new URLSearchParams()
  for (const [ours, theirs] of [
    ['stdin', 'input'],
    ['stdout', 'output'],
    ['stderr', 'error'],
    ['tty', 'tty'],
  ] as const)
    if (options[ours]) asked.set(theirs, '1')
  if (!['input', 'output', 'error'].some((name) => asked.has(name)))
    throw badRequest('you must specify at least one of stdin, stdout, stderr')
  return asked
}

const execQuery = ({ command = [], ...options }: ExecOptions): URLSearchParams => {
  const query = streamQuery(options)
  if (command.length === 0) throw badRequest('you must specify a command for the exec request')
  for (const word of command) query.append('command', word)
  return query
}

const pathOf = (...words: readonly string[]): string => `/${words.map(encodeURIComponent).join('/')}`

const containerOptions = ({ query }: Call): Readonly<Record<string, unknown>> => ({
  ...flags(query, 'stdin', 'stdout', 'stderr', 'tty'),
  ...(query.get('container') ? { container: query.get('container') } : {}),
})

const execKind: ConnectionKind = {
  kind: 'PodExecOptions',
  read: (call) => ({ ...containerOptions(call), command: call.query.getAll('command') }),
}
const attachKind: ConnectionKind = { kind: 'PodAttachOptions', read: containerOptions }
const portForwardKind: ConnectionKind = {
  kind: 'PodPortForwardOptions',
  read: ({ query }) => (query.has('ports') ? { ports: query.getAll('ports').map(portOf) } : {}),
}

const portOf = (text: string): number => {
  if (!/^\d{1,5}$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`)
  return Number(text)
}

/** With a container; `queryOf`: what the agent is asked. */
const withContainer =
  <T extends StreamOptions>(verb: 'exec' | 'attach', kind: ConnectionKind, queryOf: (options: T) => URLSearchParams) =>
  (objects: Objects, dialer: Dialer): SubresourceHandler =>
    connecting<T>(objects, kind, async (call, { namespace = '', name }, definition, options) => {
      const pod = objects.get(definition, { namespace, name }) as Pod
      const query = queryOf(options)
      const container = chooseContainer(pod, options.container ?? null)
      const path = pathOf(verb, namespace, name, pod.metadata.uid ?? '', container)
      return passOn(call, dialer, nodeOfPod(pod), `${path}?${query}`)
    })

export const podExec = withContainer<ExecOptions>('exec', execKind, execQuery)
export const podAttach = withContainer<StreamOptions>('attach', attachKind, streamQuery)

export const podPortForward = (objects: Objects, dialer: Dialer): SubresourceHandler =>
  connecting<PortForwardOptions>(objects, portForwardKind, async (call, request, definition, { ports = [] }) => {
    const { namespace = '', name } = request
    const pod = objects.get(definition, { namespace, name }) as Pod
    const query = new URLSearchParams(ports.map((port): [string, string] => ['port', String(port)]))
    const path = pathOf('portForward', namespace, name, pod.metadata.uid ?? '')
    return passOn(call, dialer, nodeOfPod(pod), `${path}?${query}`)
  })
