/** `podway logs`: the logs of many pods as one. */

import { once } from 'node:events'
import type { Client } from '../api/client.ts'
import { systemClock } from '../api/clock.ts'
import { errorText } from '../api/errors.ts'
import { failureText } from '../api/failure-text.ts'
import type { HttpTransport } from '../api/http-transport.ts'
import { createInformer } from '../api/informer.ts'
import { parseRequirements } from '../api/label-selector.ts'
import { pods as podResource, resourcePath } from '../api/resources.ts'
import type { Pod } from '../api/types/index.ts'
import { printError } from '../host/terminal.ts'
import { withCluster } from './cluster.ts'
import { createFollower } from './logs/follow.ts'
import { instanceName, instancesOf, type LogInstance } from './logs/instances.ts'
import { type LogLine, readLines } from './logs/lines.ts'
import { mergeLogs } from './logs/merge.ts'
import { type RenderOptions, renderLine } from './logs/render.ts'
import type { LogsOptions } from './logs.ts'
import { checkOutput } from './output.ts'
import { stopSignal } from './stop-signal.ts'
import { UsageError } from './usage-error.ts'

const say = (message: string): void => printError(`podway: ${message}`)

interface Wanted {
  readonly names: readonly string[]
  readonly options: LogsOptions
}

interface From {
  /** RFC 3339. */
  readonly since?: string
  /** Of a log that was there already: from where the user said. */
  readonly isFirst: boolean
}

const checkUse = ({ names, options }: Wanted): void => {
  const { output, selector, allNamespaces = false, follow = false, previous = false } = options
  checkOutput(output)
  if (names.length > 0 && selector !== undefined) throw new UsageError('name pods or their labels (-l), not both')
  if (names.length > 0 && allNamespaces) throw new UsageError('pods of all namespaces (-A) are found by labels (-l)')
  if (follow && previous) throw new UsageError('what ended before (-p) cannot be followed (-f)')
  try {
    parseRequirements(selector ?? '')
  } catch (error) {
    throw new UsageError(`-l ${selector}: ${errorText(error)}`)
  }
}

const selectionOf = ({ namespace, allNamespaces = false, selector }: LogsOptions) => ({
  ...(allNamespaces ? {} : { namespace }),
  ...(selector === undefined ? {} : { labelSelector: selector }),
})

const queryOf = (options: LogsOptions, { container }: LogInstance, { since, isFirst }: From) => {
  const { follow, previous, since: seconds, tail } = options
  return {
    ...{ container, timestamps: 'true' },
    ...(follow ? { follow: 'true' } : {}),
    ...(previous ? { previous: 'true' } : {}),
    ...(since === undefined ? {} : { sinceTime: since }),
    ...(since === undefined && seconds !== undefined && seconds > 0 ? { sinceSeconds: `${seconds}` } : {}),
    ...(since === undefined && isFirst && tail !== undefined ? { tailLines: `${tail}` } : {}),
  }
}

async function* openLog(
  transport: HttpTransport,
  options: LogsOptions,
  instance: LogInstance,
  from: From,
  signal: AbortSignal,
): AsyncGenerator<readonly LogLine[]> {
  const path = resourcePath(podResource, instance.namespace, instance.pod, 'log')
  yield* readLines(await transport.read({ method: 'GET', path, query: queryOf(options, instance, from) }, signal))
}

/** Waits for whoever reads. */
const write = async (text: Buffer): Promise<void> => {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain')
}

const renderOf = ({
  output,
  prefix = false,
  allNamespaces = false,
  timestamps = false,
}: LogsOptions): RenderOptions => {
  const terminal = process.stdout.isTTY ?? false
  const colours = terminal && !process.env['NO_COLOR']
  return { ...{ json: output === 'json', prefix, timestamps, terminal, colours }, namespaces: allNamespaces }
}

const choiceOf = ({ container, previous = false }: LogsOptions) => ({
  previous,
  ...(container === undefined ? {} : { container }),
})

const isNamed = ({ names }: Wanted, { metadata }: Pod): boolean => names.length === 0 || names.includes(metadata.name)

/** So many lines at a time are handed to whoever reads. */
const batchLines = 500

const printAll = async (client: Client, transport: HttpTransport, wanted: Wanted): Promise<boolean> => {
  const { names, options } = wanted
  const found = (await client.list(podResource, selectionOf(options))).items.filter((pod) => isNamed(wanted, pod))
  const missing = names.filter((name) => !found.some(({ metadata }) => metadata.name === name))
  for (const name of missing) say(`there is no pod ${options.namespace}/${name}`)
  const instances = found.flatMap((pod) => instancesOf(pod, choiceOf(options)))
  if (instances.length > options.maxLogRequests)
    throw new Error(
      `${instances.length} logs match, and ${options.maxLogRequests} are read at the same time: name fewer, or more with --max-log-requests`,
    )
  if (instances.length === 0 && missing.length === 0)
    say(found.length === 0 ? 'no pods match' : 'no container of the pods that match has a log')
  let isWhole = missing.length === 0 && (instances.length > 0 || options.container === undefined)
  const signal = stopSignal()
  const reads = instances.map((source) => ({
    source,
    lines: openLog(transport, options, source, { isFirst: true }, signal),
  }))
  const failed = (source: LogInstance, error: unknown): void => {
    isWhole = false
    if (!signal.aborted) say(`cannot read the log of ${instanceName(source)} on ${source.node}: ${errorText(error)}`)
  }
  const render = renderOf(options)
  let texts: Buffer[] = []
  for await (const { source, line } of mergeLogs(reads, failed)) {
    if (texts.push(renderLine(source, line, render)) < batchLines) continue
    await write(Buffer.concat(texts))
    texts = []
  }
  await write(Buffer.concat(texts))
  return isWhole
}

const followAll = async (client: Client, transport: HttpTransport, wanted: Wanted): Promise<void> => {
  const { options } = wanted
  const signal = stopSignal()
  let told = ''
  const pods = createInformer(client, podResource, {
    ...selectionOf(options),
    view: (pod) => (isNamed(wanted, pod) ? instancesOf(pod, choiceOf(options)) : []),
    onError: (error) => {
      const text = failureText(error)
      if (text !== told) say(`cannot watch pods: ${text}; trying again`)
      told = text
    },
  })
  const all = (): readonly LogInstance[] => [...pods.values()].flat()
  const render = renderOf(options)
  const follower = createFollower({
    open: (instance, from, life) => openLog(transport, options, instance, from, life),
    current: (key) => all().find((each) => each.key === key),
    write: (instance, lines) => write(Buffer.concat(lines.map((line) => renderLine(instance, line, render)))),
    ...{ say, most: options.maxLogRequests, clock: systemClock },
  })
  const running = pods.run(signal)
  await Promise.race([pods.synced, running])
  if (all().length === 0 && !signal.aborted) say('no pods match yet; waiting for them')
  follower.look(all(), signal)
  pods.onChange(() => follower.look(all(), signal))
  await running
}

export const logs = async (names: readonly string[], options: LogsOptions): Promise<void> => {
  const wanted = { names, options }
  checkUse(wanted)
  const isWhole = await withCluster(
    options,
    async (client, transport) => {
      if (!options.follow) return printAll(client, transport, wanted)
      await followAll(client, transport, wanted)
      return true
    },
    { apart: true },
  )
  if (!isWhole) process.exitCode = 1
}
