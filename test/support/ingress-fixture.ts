/** The whole way of an Ingress without the API and without threads: objects, routes, a relay with two doors, backends. */
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import type { ClientHttp2Session } from 'node:http2'
import type { Test } from 'tap'
import type { EndpointSlice, Ingress, Service } from '../../src/api/types/index.ts'
import { readAnnotations } from '../../src/proxy/ingress/annotations/read.ts'
import { createCertificates } from '../../src/proxy/ingress/certificates.ts'
import { defaultLimits, type HeadLimits } from '../../src/proxy/ingress/http/limits.ts'
import { createRelay, type Relay, type RelayOptions } from '../../src/proxy/ingress/relay/relay.ts'
import type { Timeouts } from '../../src/proxy/ingress/relay/timeouts.ts'
import { createRouting, type RoutingUpdate } from '../../src/proxy/ingress/routes/routing.ts'
import { createFedInformer } from './fed-informer.ts'
import { byService, ingress, ingressClass, path, service, slice } from './ingress-objects.ts'
import { type HttpBackend, relayOptions, startBackend } from './relay-fixture.ts'
import { type Answer, fallback } from './tls-fixture.ts'

type Data = Readonly<Record<string, string>>

export interface ServiceObjects {
  readonly service: Service
  readonly slices: readonly EndpointSlice[]
}

/** Names without their namespace, which is `default`. */
export interface World {
  readonly ingresses: readonly Ingress[]
  /** Ports of 127.0.0.1 behind the only port of each Service, or objects as they are. */
  readonly services: Readonly<Record<string, readonly number[] | ServiceObjects>>
  readonly secrets?: Readonly<Record<string, Data>>
  readonly configMaps?: Readonly<Record<string, Data>>
}

export interface WorldOptions extends Partial<Omit<RelayOptions, 'timeouts' | 'limits'>> {
  readonly timeouts?: Partial<Timeouts>
  readonly limits?: Partial<HeadLimits>
}

export interface IngressFixture {
  readonly relay: Relay
  readonly port: number
  readonly tlsPort: number
  /** What the relay said of backends. */
  readonly reports: readonly string[]
  /** What is wrong with the Ingresses. */
  problems(): readonly string[]
  /** Puts these in the place of what was there. */
  change(now: Partial<World>): void
}

const slicesOf = (name: string, ports: readonly number[]): readonly EndpointSlice[] =>
  ports.map((port) =>
    slice({
      ...{ service: name, name: `${name}-${port}`, addresses: { '127.0.0.1': { ready: true } } },
      ports: [{ name: '', port }],
    }),
  )

const place = { address: '127.0.0.1', port: 0, reusePort: false }

/** Serves a world until the test ends. */
export const startIngress = async (t: Test, first: World, options: WorldOptions = {}): Promise<IngressFixture> => {
  let world = first
  const secret = (key: string): Data | undefined => world.secrets?.[key.replace('default/', '')]
  const configMap = (key: string): Data | undefined => world.configMaps?.[key.replace('default/', '')]
  const ingresses = createFedInformer<Ingress>()
  const services = createFedInformer<Service>()
  const slices = createFedInformer<EndpointSlice>([], { service: byService })
  const classes = createFedInformer([ingressClass('podway', undefined, true)])
  const routing = createRouting({ ingresses, classes, services, slices }, ({ key, annotations }) =>
    readAnnotations({ namespace: key.split('/')[0] ?? '', annotations }, { secret, configMap }),
  )
  const certificates = createCertificates(secret)
  const reports: string[] = []
  const { timeouts, limits, ...more } = options
  const relay = createRelay({
    ...{ ...relayOptions, report: (problem: string) => reports.push(problem), ...more },
    timeouts: { ...relayOptions.timeouts, ...timeouts },
    limits: { ...defaultLimits, ...limits },
  })

  const apply = ({ tls, ...rest }: RoutingUpdate): void =>
    relay.apply({
      ...rest,
      ...(tls ? { tls: [{ entry: 'https', configuration: certificates.configure(tls, fallback).configuration }] } : {}),
    })
  const feed = (): void => {
    for (const [key] of [...ingresses.entries()]) ingresses.remove(key)
    for (const [key] of [...slices.entries()]) slices.remove(key)
    ingresses.put(...world.ingresses)
    for (const [name, what] of Object.entries(world.services)) {
      services.put('service' in what ? what.service : service(name))
      slices.put(...('service' in what ? what.slices : slicesOf(name, what)))
    }
    routing.readIngresses()
    routing.readServices(Object.keys(world.services).map((name) => `default/${name}`))
  }
  feed()
  routing.flush()
  apply(routing.state())
  const { port } = await relay.listen('http', { ...place, tls: false })
  const { port: tlsPort } = await relay.listen('https', { ...place, tls: true })
  t.teardown(() => relay.drain())
  return {
    ...{ relay, port, tlsPort, reports },
    problems: () => routing.problems().map(({ message }) => message),
    change: (now) => {
      world = { ...world, ...now }
      feed()
      apply(routing.flush())
    },
  }
}

export const nginx = (annotations: Data): Data =>
  Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`nginx.ingress.kubernetes.io/${key}`, value]))

export const podway = (annotations: Data): Data =>
  Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`ingress.podway.dev/${key}`, value]))

/** Everything of a.lab to the Service `web`, with these annotations of ingress-nginx. */
export const annotated = (annotations: Data, name = 'web', written = 'prefix:/'): Ingress =>
  ingress({ name, annotations: nginx(annotations), rules: { 'a.lab': [path(written, name)] } })

/** What a backend was asked, as it tells it itself. */
export interface Echoed {
  readonly name: string
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** A backend that answers with what it was asked. Field `x-answer` of a request: the status it is to have. */
export const startEcho = (t: Test, name: string, fields: Data = {}): Promise<HttpBackend> =>
  startBackend(t, async (incoming, response) => {
    let body = ''
    try {
      for await (const piece of incoming) body += piece
    } catch {
      // The request was given up on the way: there is nobody to answer.
      return
    }
    for (const [key, value] of Object.entries(fields)) response.setHeader(key, value)
    const { method, url, headers } = incoming
    const text = JSON.stringify({ name, method, url, headers, body })
    response.writeHead(Number(headers['x-answer'] ?? 200), {
      ...{ 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
    })
    response.end(text)
  })

export interface Question {
  readonly host?: string
  readonly path?: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string
}

const answerOf = async (response: IncomingMessage): Promise<Answer> => {
  let body = ''
  for await (const piece of response) body += piece
  return { status: response.statusCode ?? 0, headers: response.headers, body }
}

/** One request over HTTP/1.1 on a connection of its own, for a.lab where nothing else is said. */
export const ask = async (port: number, question: Question = {}): Promise<Answer> => {
  const { host = 'a.lab', path: target = '/', method = 'GET', headers = {}, body } = question
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  const outgoing = request({
    ...{ host: '127.0.0.1', port, path: target, method, agent: false },
    headers: { host, ...length, ...(headers as Record<string, string>) },
  })
  outgoing.end(body)
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  return answerOf(response)
}

/** One request on a stream of an HTTP/2 session. */
export const askH2 = async (session: ClientHttp2Session, question: Question = {}): Promise<Answer> => {
  const { host = 'a.lab', path: target = '/', method = 'GET', headers = {}, body } = question
  const stream = session.request(
    { ':authority': host, ':path': target, ':method': method, ...headers },
    { endStream: body === undefined },
  )
  if (body !== undefined) stream.end(body)
  const [answer] = await once(stream, 'response')
  let text = ''
  for await (const piece of stream) text += piece
  return { status: answer[':status'], headers: answer, body: text }
}

export const echoed = ({ body }: Answer): Echoed => JSON.parse(body)
