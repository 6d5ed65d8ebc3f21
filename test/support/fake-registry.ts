/** A registry that does what it is told: also what none should. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { gzipSync } from 'node:zlib'
import type { Test } from 'tap'
import { digestOf } from '../../src/images/digest.ts'
import { configOf } from './image-store.ts'
import { serve } from './serve.ts'
import { type Made, tarArchive } from './tar-archive.ts'

export interface Content {
  readonly type: string
  readonly bytes: Buffer
}

/** What a request for a blob is answered with, in place of the blob. Undefined: the blob. */
export type Mischief = (request: IncomingMessage, response: ServerResponse, bytes: Buffer) => boolean

export interface FakeRegistry {
  /** Host and port. */
  readonly host: string
  /** `METHOD /path` with what it was authorized by: `GET /v2/x/manifests/1 Basic …`. */
  readonly requests: readonly string[]
  readonly manifests: Map<string, Content>
  readonly blobs: Map<string, Buffer>
  /** Undefined: everybody may come. */
  auth: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined
  mischief: Mischief | undefined
}

export const ociManifest = 'application/vnd.oci.image.manifest.v1+json'
export const ociIndex = 'application/vnd.oci.image.index.v1+json'

const sendBlob = (request: IncomingMessage, response: ServerResponse, bytes: Buffer): void => {
  const [, from] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? []
  if (from === undefined) {
    response.writeHead(200, { 'content-length': bytes.length }).end(bytes)
    return
  }
  const start = Number(from)
  response
    .writeHead(206, { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` })
    .end(bytes.subarray(start))
}

/** `tls`: it speaks nothing else, with this certificate. */
export const startFakeRegistry = async (
  t: Test,
  tls?: { readonly key: string; readonly cert: string },
): Promise<FakeRegistry> => {
  const requests: string[] = []
  const manifests = new Map<string, Content>()
  const blobs = new Map<string, Buffer>()
  const registry: FakeRegistry = { host: '', requests, manifests, blobs, auth: undefined, mischief: undefined }
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    requests.push(`${request.method} ${request.url} ${request.headers.authorization ?? ''}`.trim())
    response.on('error', () => undefined)
    if (registry.auth && !registry.auth(request, response)) return
    const { pathname } = new URL(request.url ?? '/', 'http://x')
    const [, kind = '', name = ''] = /^\/v2\/.+\/(manifests|blobs)\/([^/]+)$/.exec(pathname) ?? []
    const manifest = kind === 'manifests' ? manifests.get(name) : undefined
    const blob = kind === 'blobs' ? blobs.get(name) : undefined
    if (manifest) {
      const digest = digestOf(manifest.bytes)
      response.writeHead(200, { 'content-type': manifest.type, 'docker-content-digest': digest }).end(manifest.bytes)
    } else if (blob) {
      if (!registry.mischief?.(request, response, blob)) sendBlob(request, response, blob)
    } else response.writeHead(404).end('{"errors":[]}')
  }
  const server = tls ? createTlsServer(tls, answer) : createServer(answer)
  return Object.assign(registry, { host: `127.0.0.1:${await serve(t, server)}` })
}

const put = (registry: FakeRegistry, mediaType: string, bytes: Buffer) => {
  const digest = digestOf(bytes)
  registry.blobs.set(digest, bytes)
  return { mediaType, digest, size: bytes.length }
}

/** Puts an image there, under a tag and its digest. */
export const pushImage = (
  registry: FakeRegistry,
  tag: string,
  layers: readonly (readonly Made[])[],
  compress: (tar: Buffer) => Buffer = gzipSync,
  kind = 'tar+gzip',
  containers: object = {},
): { readonly digest: string; readonly layers: readonly string[] } => {
  const archives = layers.map((made) => tarArchive(...made))
  const manifest = {
    ...{ schemaVersion: 2, mediaType: ociManifest },
    config: put(registry, 'application/vnd.oci.image.config.v1+json', configOf(archives, containers)),
    layers: archives.map((tar) => put(registry, `application/vnd.oci.image.layer.v1.${kind}`, compress(tar))),
  }
  const content = { type: ociManifest, bytes: Buffer.from(JSON.stringify(manifest)) }
  const digest = digestOf(content.bytes)
  registry.manifests.set(tag, content)
  registry.manifests.set(digest, content)
  return { digest, layers: manifest.layers.map((layer) => layer.digest) }
}
