/**
 * A container runtime that speaks CRI on a unix socket, as strict as the real ones where it matters: names are taken while
 * their objects are there, what is unknown is not found, containers start once, in sandboxes that are ready.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
  status,
  type UntypedHandleCall,
} from '@grpc/grpc-js'
import { fromJSON } from '@grpc/proto-loader'
import type { Test } from 'tap'
import type { Calls, ContainerConfig, CriImage, PodSandboxConfig } from '../../src/agent/runtime/cri/messages.ts'
import { criSchema } from '../../src/agent/runtime/cri/schema.ts'
import { serveSpdy, switchToSpdy } from '../../src/agent/streams/spdy/session.ts'
import { digestOf } from '../../src/images/digest.ts'

interface Sandbox {
  readonly id: string
  readonly config: PodSandboxConfig
  readonly handler: string
  isReady: boolean
}

interface Container {
  readonly id: string
  readonly sandbox: string
  readonly config: ContainerConfig
  state: 'CONTAINER_CREATED' | 'CONTAINER_RUNNING' | 'CONTAINER_EXITED' | 'CONTAINER_UNKNOWN'
  exitCode: number
  reason: string
  message: string
  startedAt: number
  finishedAt: number
}

class Refusal extends Error {
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

/** Of the images that it has, the one of its sandboxes. */
export const sandboxImage = 'registry.k8s.io/pause:3.6'

export interface FakeCriOptions {
  readonly api?: 'v1' | 'v1alpha2'
}

const nanoseconds = (ms: number): string => (ms === 0 ? '0' : String(BigInt(ms) * 1_000_000n))

/** Listens until the test ends. */
export const startFakeCri = async (t: Test, { api = 'v1' }: FakeCriOptions = {}) => {
  // The kernel takes short names only.
  const folder = mkdtempSync(join(tmpdir(), 'podway-'))
  const socket = join(folder, 'cri.sock')
  const sandboxes = new Map<string, Sandbox>()
  const containers = new Map<string, Container>()
  const images = new Map<string, CriImage>()
  /** By the ids of images. */
  const configs = new Map<string, object>()
  const registry = new Map<string, { readonly config: object; readonly password?: string }>()
  const others: object[] = []
  const calls: string[] = []
  const failures = new Map<string, { readonly code: number; readonly message: string }>()
  let hanging: Promise<void> | undefined
  let last = 0
  let streams: (kind: string, streams: ReadonlyMap<string, Duplex>) => void = () => undefined

  const sandboxOf = (id: string): Sandbox => {
    const found = sandboxes.get(id)
    if (!found) throw new Refusal(status.NOT_FOUND, `sandbox ${id}: not found`)
    return found
  }
  const containerOf = (id: string): Container => {
    const found = containers.get(id)
    if (!found) throw new Refusal(status.NOT_FOUND, `container ${id}: not found`)
    return found
  }
  const exit = (
    container: Container,
    code: number,
    reason = code === 0 ? 'Completed' : 'Error',
    message = '',
  ): void => {
    if (container.state === 'CONTAINER_EXITED') return
    Object.assign(container, { state: 'CONTAINER_EXITED', exitCode: code, reason, message, finishedAt: Date.now() })
  }
  const matches = (
    labels: Readonly<Record<string, string>>,
    selector: Readonly<Record<string, string>> = {},
  ): boolean => Object.entries(selector).every(([name, value]) => labels[name] === value)
  const nameOf = ({ config: { metadata } }: Sandbox | { readonly config: PodSandboxConfig }): string =>
    `${metadata.namespace}_${metadata.name}_${metadata.uid}_${metadata.attempt}`

  const http = createServer()
  http.on('upgrade', (request, connection, head) => {
    const found = new Map<string, Duplex>()
    const url = new URL(request.url ?? '/', 'http://cri')
    const wanted = Number(url.searchParams.get('streams'))
    t.teardown(() => connection.destroy())
    switchToSpdy(connection, 'v4.channel.k8s.io')
    serveSpdy(connection, head, ({ headers, stream }) => {
      found.set(headers.get('streamtype') ?? '', stream)
      if (found.size === wanted) streams(url.pathname.slice(1), found)
    })
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const { port } = http.address() as AddressInfo
  const urlOf = (kind: string, { stdin, stdout, stderr, tty }: Calls['Attach'][0]): string =>
    `http://127.0.0.1:${port}/${kind}?streams=${1 + [stdin, stdout, stderr, tty].filter(Boolean).length}`

  type Handlers = { readonly [Name in keyof Calls]: (request: Calls[Name][0]) => object }
  const handlers: Handlers = {
    Version: () => ({ runtimeName: 'fake', runtimeVersion: '1.2.3', runtimeApiVersion: api }),
    RunPodSandbox: ({ config, runtimeHandler }) => {
      const taken = [...sandboxes.values()].find((each) => nameOf(each) === nameOf({ config }))
      if (taken) throw new Refusal(status.UNKNOWN, `name "${nameOf({ config })}" is reserved for "${taken.id}"`)
      const id = `s${last++}`
      sandboxes.set(id, { id, config, handler: runtimeHandler, isReady: true })
      return { podSandboxId: id }
    },
    StopPodSandbox: ({ podSandboxId }) => {
      sandboxOf(podSandboxId).isReady = false
      for (const each of containers.values()) if (each.sandbox === podSandboxId) exit(each, 137)
      return {}
    },
    RemovePodSandbox: ({ podSandboxId }) => {
      sandboxes.delete(podSandboxId)
      for (const each of containers.values()) if (each.sandbox === podSandboxId) containers.delete(each.id)
      return {}
    },
    PodSandboxStatus: ({ podSandboxId, verbose }) => {
      const { id } = sandboxOf(podSandboxId)
      const network = { ip: '10.1.0.9', additionalIps: [{ ip: 'fd00::9' }] }
      return { status: { id, network }, info: verbose ? { info: JSON.stringify({ pid: 4711 }) } : {} }
    },
    ListPodSandbox: ({ filter }) => ({
      items: [...sandboxes.values()]
        .filter(({ config }) => matches(config.labels, filter?.labelSelector))
        .map(({ id, config: { metadata, labels, annotations }, isReady }) => ({
          ...{ id, metadata, labels, annotations, createdAt: '1' },
          state: isReady ? 'SANDBOX_READY' : 'SANDBOX_NOTREADY',
        })),
    }),
    CreateContainer: ({ podSandboxId, config, sandboxConfig }) => {
      const sandbox = sandboxOf(podSandboxId)
      if (!sandbox.isReady) throw new Refusal(status.UNKNOWN, `sandbox ${podSandboxId} is not ready`)
      if (nameOf({ config: sandboxConfig }) !== nameOf(sandbox)) throw new Refusal(status.UNKNOWN, 'another sandbox')
      const { name, attempt } = config.metadata
      for (const {
        sandbox: other,
        config: { metadata },
      } of containers.values())
        if (other === podSandboxId && metadata.name === name && metadata.attempt === attempt)
          throw new Refusal(status.UNKNOWN, `name "${name}_${attempt}" is reserved`)
      if (config.linux.securityContext.privileged && !sandbox.config.linux.securityContext.privileged)
        throw new Refusal(status.UNKNOWN, 'no privileged container allowed in sandbox')
      const id = `c${last++}`
      const none = { exitCode: 0, reason: '', message: '', startedAt: 0, finishedAt: 0 }
      containers.set(id, { id, sandbox: podSandboxId, config, state: 'CONTAINER_CREATED', ...none })
      return { containerId: id }
    },
    StartContainer: ({ containerId }) => {
      const found = containerOf(containerId)
      if (found.state !== 'CONTAINER_CREATED') throw new Refusal(status.UNKNOWN, `${containerId} was started before`)
      const [program = ''] = found.config.command
      if (program.startsWith('/no/')) {
        const message = `failed to create task: runc: exec: "${program}": stat ${program}: no such file or directory: unknown`
        exit(found, 128, 'StartError', message)
        throw new Refusal(status.UNKNOWN, message)
      }
      Object.assign(found, { state: 'CONTAINER_RUNNING', startedAt: Date.now() })
      const code = /^sh -c exit (\d+)$/.exec(found.config.command.join(' '))?.[1]
      if (code !== undefined) exit(found, Number(code))
      return {}
    },
    StopContainer: ({ containerId, timeout }) => {
      exit(containerOf(containerId), timeout > 0 ? 143 : 137)
      return {}
    },
    RemoveContainer: ({ containerId }) => {
      containers.delete(containerId)
      return {}
    },
    ListContainers: ({ filter }) => ({
      containers: [
        ...(Object.keys(filter?.labelSelector ?? {}).length === 0 ? others : []),
        ...[...containers.values()]
          .filter(({ config }) => matches(config.labels, filter?.labelSelector))
          .map(({ id, sandbox, config: { metadata, labels, annotations, image }, state }) => ({
            ...{
              id,
              podSandboxId: sandbox,
              metadata,
              labels,
              annotations,
              state,
              imageRef: image.image,
              createdAt: '1',
            },
          })),
      ],
    }),
    ContainerStatus: ({ containerId }) => {
      const { id, state, exitCode, reason, message, startedAt, finishedAt } = containerOf(containerId)
      const times = { createdAt: '1', startedAt: nanoseconds(startedAt), finishedAt: nanoseconds(finishedAt) }
      return { status: { id, state, exitCode, reason, message, ...times }, info: { info: JSON.stringify({ pid: 0 }) } }
    },
    ReopenContainerLog: ({ containerId }) => {
      containerOf(containerId)
      return {}
    },
    ExecSync: ({ containerId, cmd }) => {
      containerOf(containerId)
      if (cmd[0] === 'sleep') throw new Refusal(status.DEADLINE_EXCEEDED, 'timeout exceeded')
      return { stdout: Buffer.from(cmd.join(' ')), stderr: Buffer.from('!'), exitCode: cmd[0] === 'false' ? 1 : 0 }
    },
    Exec: (request) => ({ url: urlOf('exec', request) }),
    Attach: (request) => ({ url: urlOf('attach', request) }),
    ListContainerStats: ({ filter }) => ({
      stats: [...containers.values()]
        .filter(({ config, state }) => state === 'CONTAINER_RUNNING' && matches(config.labels, filter?.labelSelector))
        .map(({ id, startedAt }) => ({
          attributes: { id },
          cpu: { usageCoreNanoSeconds: { value: String((Date.now() - startedAt) * 1000) } },
          memory: { workingSetBytes: { value: '1000' }, usageBytes: { value: '2000' }, rssBytes: { value: '500' } },
        })),
    }),
    ListImages: () => ({ images: [...images.values()] }),
    ImageStatus: ({ image }) => {
      const found = [...images.values()].find((each) => Object.values(each).flat().includes(image.image))
      const config = configs.get(found?.id ?? '') ?? {}
      const imageSpec = { os: 'linux', architecture: 'amd64', config, rootfs: { type: 'layers', diff_ids: [] } }
      return found ? { image: found, info: { info: JSON.stringify({ imageSpec }) } } : { info: {} }
    },
    PullImage: ({ image, auth }) => {
      const served = registry.get(image.image)
      if (!served) throw new Refusal(status.NOT_FOUND, `failed to pull ${image.image}: not found`)
      if (served.password !== undefined && auth?.password !== served.password)
        throw new Refusal(status.UNKNOWN, `failed to pull ${image.image}: authorization failed`)
      const id = digestOf(Buffer.from(JSON.stringify(served.config)))
      const digest = `${image.image.replace(/:[^:/]*$/, '')}@${id}`
      const withName = (names: readonly string[] = [], name: string) => [...new Set([...names, name])]
      // A tag leads to one image.
      for (const each of images.values())
        images.set(each.id, { ...each, repoTags: each.repoTags.filter((tag) => tag !== image.image) })
      const known = images.get(id)
      configs.set(id, served.config)
      images.set(id, {
        ...{ id, size: '42', uid: null, username: '', pinned: false },
        repoTags: withName(known?.repoTags, image.image),
        repoDigests: withName(known?.repoDigests, digest),
      })
      return { imageRef: id }
    },
    ImageFsInfo: () => ({ imageFilesystems: [{ fsId: { mountpoint: folder } }] }),
    Status: () => ({ info: { config: JSON.stringify({ sandboxImage }) } }),
    RemoveImage: ({ image }) => {
      images.delete(image.image)
      return {}
    },
  }

  const answer = async (name: keyof Calls, request: never): Promise<object> => {
    await hanging
    const failure = failures.get(name) ?? failures.get(`${name} ${Object.values(request)[0]}`)
    if (failure) throw new Refusal(failure.code, failure.message)
    if (!/^(List|.*Status$|Version)/.test(name)) calls.push(name)
    return handlers[name](request)
  }

  const definitions = fromJSON(criSchema, { longs: Number, enums: String, defaults: true })
  const create = (): Server => {
    const server = new Server()
    for (const kind of ['RuntimeService', 'ImageService']) {
      const service = definitions[`runtime.v1.${kind}`] as ServiceDefinition
      const named = Object.entries(service).map(([name, method]) => [
        name,
        { ...method, path: method.path.replace('runtime.v1.', `runtime.${api}.`) },
      ])
      const serve =
        (name: keyof Calls) =>
        (call: ServerUnaryCall<never, object>, done: sendUnaryData<object>): void => {
          answer(name, call.request).then(
            (value) => done(null, value),
            (error: unknown) =>
              done({ code: error instanceof Refusal ? error.code : status.INTERNAL, details: String(error) }),
          )
        }
      server.addService(
        Object.fromEntries(named) as ServiceDefinition,
        // The library's type for handlers of any kind is that of all kinds at once.
        Object.fromEntries(Object.keys(service).map((name) => [name, serve(name as keyof Calls) as UntypedHandleCall])),
      )
    }
    return server
  }
  let server = create()
  const listen = (): Promise<unknown> =>
    new Promise((resolve, reject) =>
      server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) =>
        error ? reject(error) : resolve(undefined),
      ),
    )
  await listen()
  t.teardown(() => {
    server.forceShutdown()
    http.close()
    http.closeAllConnections()
    rmSync(folder, { recursive: true })
  })
  return {
    ...{ socket, calls, sandboxes, containers, registry },
    /** It neither answers nor hangs up, until what is returned is called. */
    hang: (): (() => void) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      hanging = promise
      return () => {
        hanging = undefined
        resolve()
      }
    },
    /** Nobody listens any longer; what runs goes on. */
    die: () => server.forceShutdown(),
    revive: async () => {
      server = create()
      await listen()
    },
    /** `call`: a method, or a method and the id that it is asked about. */
    fail: (call: string, code: number, message: string) => void failures.set(call, { code, message }),
    mend: () => failures.clear(),
    /** Somebody else has a container of this image. */
    runOther: (imageRef: string) => void others.push({ id: `other-${imageRef}`, labels: {}, imageRef }),
    pin: (id: string) => {
      const found = images.get(id)
      if (found) images.set(id, { ...found, pinned: true })
    },
    onStreams: (play: typeof streams) => {
      streams = play
    },
    finish: (name: string, code: number, reason?: string) => {
      for (const each of containers.values())
        if (each.config.metadata.name === name && each.state === 'CONTAINER_RUNNING') exit(each, code, reason)
    },
  }
}
