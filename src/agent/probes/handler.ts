/** What probes and life-cycle hooks do: run a command, get a page, open a connection, ask by gRPC. */

import { connect } from 'node:net'
import type { Container, Handler, HTTPGetAction, IntOrString } from '../../api/types/index.ts'
import { bracketed } from '../../ip/address.ts'
import type { ExecResult } from '../runtime/streams.ts'
import { checkGrpcHealth } from './grpc-health.ts'
import { type HttpAnswer, type HttpGet, httpGet } from './http-get.ts'

/** The container it is done to. */
export interface HandlerTarget {
  readonly containerId: string
  readonly container: Container
  /** The pod's address. */
  readonly host: string
}

/** Empty when it went well, else what went wrong in the kubelet's words. */
export type Complaint = string

export type RunHandler = (handler: Handler, target: HandlerTarget, timeoutMs: number) => Promise<Complaint>

export interface HandlerDeps {
  readonly exec: (container: string, command: readonly string[], timeoutMs: number) => Promise<ExecResult>
  readonly get?: (request: HttpGet) => Promise<HttpAnswer>
}

/** A port by number, or by its name in the container. Throws when there is none of that name. */
export const resolvePort = (port: IntOrString, container: Container): number => {
  const number = Number(port)
  if (Number.isInteger(number) && number > 0 && number < 65536) return number
  const named = container.ports?.find(({ name }) => name === port)
  if (!named) throw new Error(`invalid port: container ${container.name} has no port named ${JSON.stringify(port)}`)
  return named.containerPort
}

const urlOf = (action: HTTPGetAction, { container, host }: HandlerTarget): URL => {
  const { path = '/', port, scheme = 'HTTP' } = action
  const authority = `${bracketed(action.host || host)}:${resolvePort(port, container)}`
  return new URL(`${path.startsWith('/') ? '' : '/'}${path}`, `${scheme.toLowerCase()}://${authority}`)
}

const headersOf = ({ httpHeaders = [] }: HTTPGetAction): Record<string, string> => ({
  'user-agent': 'kube-probe/podway',
  accept: '*/*',
  connection: 'close',
  ...Object.fromEntries(httpHeaders.map(({ name, value }) => [name.toLowerCase(), value])),
})

const maxRedirects = 10

/** Redirects are followed as long as they stay on the host; one that leads elsewhere is an answer good enough. */
const getPage = async (
  action: HTTPGetAction,
  target: HandlerTarget,
  timeoutMs: number,
  get: (request: HttpGet) => Promise<HttpAnswer>,
): Promise<Complaint> => {
  const deadline = Date.now() + timeoutMs
  let url = urlOf(action, target)
  for (let redirects = 0; redirects <= maxRedirects; redirects++) {
    const { status, location } = await get({
      ...{ url, headers: headersOf(action) },
      timeoutMs: Math.max(1, deadline - Date.now()),
    }).catch((error: unknown) => {
      throw new Error(`Get "${url}": ${error instanceof Error ? error.message : String(error)}`)
    })
    if (status < 200 || status >= 400) return `HTTP probe failed with statuscode: ${status}`
    const next =
      status >= 300 && location !== undefined && URL.canParse(location, url.href) ? new URL(location, url) : undefined
    if (!next || next.hostname !== url.hostname) return ''
    url = next
  }
  return `Get "${url}": stopped after ${maxRedirects} redirects`
}

const openConnection = (host: string, port: number, timeoutMs: number): Promise<Complaint> =>
  new Promise((resolve) => {
    const socket = connect({ host, port })
    const end = (complaint: Complaint) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(complaint)
    }
    const timer = setTimeout(() => end(`dial tcp ${bracketed(host)}:${port}: i/o timeout`), timeoutMs)
    socket.on('connect', () => end(''))
    socket.on('error', (error) => end(`dial tcp ${bracketed(host)}:${port}: ${error.message}`))
  })

const runCommand = async (
  command: readonly string[],
  { containerId }: HandlerTarget,
  timeoutMs: number,
  exec: HandlerDeps['exec'],
): Promise<Complaint> => {
  const { exitCode, output } = await exec(containerId, command, timeoutMs)
  return exitCode === 0 ? '' : output.trim() || `command ended with exit code ${exitCode}`
}

/** Runs any handler but `sleep`. Whatever fails is a complaint, never an exception. */
export const createRunHandler =
  ({ exec, get = httpGet }: HandlerDeps): RunHandler =>
  async (handler, target, timeoutMs) => {
    try {
      if (handler.exec) return await runCommand(handler.exec.command ?? [], target, timeoutMs, exec)
      if (handler.httpGet) return await getPage(handler.httpGet, target, timeoutMs, get)
      if (handler.tcpSocket) {
        const { host, port } = handler.tcpSocket
        return await openConnection(host || target.host, resolvePort(port, target.container), timeoutMs)
      }
      if (handler.grpc) {
        const { port, service = '' } = handler.grpc
        return await checkGrpcHealth({ host: target.host, port, service, timeoutMs })
      }
      return 'the probe names no action'
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }
