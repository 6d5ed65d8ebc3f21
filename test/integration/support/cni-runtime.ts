/** A container runtime in small: runs CNI plugins as the specification says, one after another. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

export interface CniResult {
  readonly interfaces?: readonly { readonly name: string; readonly mac?: string; readonly sandbox?: string }[]
  readonly ips?: readonly { readonly address: string; readonly gateway?: string; readonly interface?: number }[]
  readonly routes?: readonly { readonly dst: string; readonly gw?: string }[]
  readonly supportedVersions?: readonly string[]
}

export interface CniFailure {
  readonly code: number
  readonly msg: string
}

export interface Invocation {
  readonly command: string
  readonly containerId?: string
  readonly ifname?: string
  readonly netns?: string
  readonly args?: string
}

/** One plugin's part of a network. */
export type PluginConfig = Readonly<Record<string, unknown>> & { readonly type: string }

export interface Network {
  /** The folder with the plugins. */
  readonly path: string
  readonly version: string
  readonly name: string
  readonly plugins: readonly PluginConfig[]
}

/** What a plugin said; `failure` when it ended with an error. */
export interface PluginAnswer {
  readonly result: CniResult | undefined
  readonly failure: CniFailure | undefined
}

export const runPlugin = async (
  file: string,
  invocation: Invocation,
  stdin: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<PluginAnswer> => {
  const { command, containerId, ifname, netns, args } = invocation
  const variables = {
    CNI_COMMAND: command,
    CNI_CONTAINERID: containerId,
    CNI_IFNAME: ifname,
    CNI_NETNS: netns,
    CNI_ARGS: args,
  }
  const given = Object.entries(variables).filter(([, value]) => value !== undefined)
  const child = spawn(file, [], {
    env: {
      PATH: process.env['PATH'],
      CNI_PATH: file.slice(0, file.lastIndexOf('/')),
      ...environment,
      ...Object.fromEntries(given),
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  // A plugin that is refused by its environment alone ends without reading: what it printed is its answer.
  child.stdin.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') child.emit('error', error)
  })
  child.stdin.end(stdin)
  const output = text(child.stdout)
  const [code] = await once(child, 'exit')
  const answer = (await output).trim()
  const parsed = answer === '' ? undefined : JSON.parse(answer)
  return code === 0 ? { result: parsed, failure: undefined } : { result: undefined, failure: parsed }
}

/** Plugins in order for ADD and CHECK, the other way around for DEL; each ADD sees the result of the one before. */
export const runNetwork = async (
  { path, version, name, plugins }: Network,
  invocation: Invocation,
  more: { readonly runtimeConfig?: object; readonly prevResult?: CniResult; readonly extra?: object } = {},
): Promise<PluginAnswer> => {
  const isDel = invocation.command === 'DEL'
  let result: CniResult | undefined = more.prevResult
  for (const plugin of isDel ? plugins.toReversed() : plugins) {
    const config = {
      ...{ cniVersion: version, name, ...plugin, ...more.extra },
      ...(more.runtimeConfig ? { runtimeConfig: more.runtimeConfig } : {}),
      ...(result ? { prevResult: result } : {}),
    }
    const answer = await runPlugin(`${path}/${plugin.type}`, invocation, JSON.stringify(config))
    if (answer.failure) return answer
    if (invocation.command === 'ADD') result = answer.result
  }
  return { result, failure: undefined }
}
