/** One door: listens, finds out who comes by what, and hands the connection to who serves it. */

import { constants } from 'node:crypto'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { isDeepStrictEqual } from 'node:util'
import { pemOf } from '../../../api/certificates.ts'
import { bracketed, parsePeerAddress } from '../../../ip/address.ts'
import type { ClientProof } from '../decide/asking.ts'
import { startOfPlain } from '../h2/prior-knowledge.ts'
import { type Via, viaFields } from '../http/request-text.ts'
import type { BackendKey } from '../policy/backend-key.ts'
import type { RouteTable } from '../routes/match.ts'
import { readClientHello } from '../tls/client-hello.ts'
import { type Asks, type ServerTls, serverTlsOptions } from '../tls/server-tls.ts'
import { type ClientConnection, serveClient } from './client.ts'
import type { Connection } from './connection.ts'
import type { RelayContext } from './context.ts'
import { createGuard } from './guard.ts'
import { serveH2Client } from './h2-client.ts'
import { passThrough } from './passthrough.ts'
import { type ProxyHeader, readProxyHeader } from './proxy-protocol.ts'
import { readStart } from './start-of.ts'
import { firstRequestMs } from './timeouts.ts'

export interface ListenOptions {
  readonly address: string
  /** 0 for any free one. */
  readonly port: number
  /** Lets other threads and a successor bind the same port. */
  readonly reusePort: boolean
}

/** What clients of a host must show. */
export type ClientsOf = ServerTls['clientsOf']

export interface EntryOptions {
  readonly table: RouteTable
  /** Missing: plain HTTP. */
  readonly tls: ServerTls | undefined
  readonly clientsOf: ClientsOf
  readonly ticketKeys: Buffer
  /** Whose connections begin with a PROXY header. */
  readonly isProxied: (address: string) => boolean
  readonly clients: Set<ClientConnection>
  readonly mayAccept: () => boolean
  readonly relay: RelayContext
}

export interface Entry {
  /** Rejects when the address cannot be had. */
  listen(options: ListenOptions): Promise<AddressInfo>
  /** Accepts nobody any more; resolves when the last connection has ended. */
  close(): Promise<void>
}

/** A listener of both families names its clients of IPv4 in the way of IPv6. */
const bare = (address = ''): string => parsePeerAddress(address)?.text ?? address

type Source = Pick<ProxyHeader, 'source' | 'destination'>

/** Plain connections are for any host. */
const nothing = (): boolean => false
const everything = (): boolean => true

const direct: Source = { source: undefined, destination: undefined }

const viaOf = (socket: Socket, scheme: Via['scheme'], { source, destination }: Source): Via => {
  const local = destination?.address ?? bare(socket.localAddress)
  const port = destination?.port ?? socket.localPort ?? 0
  const host = bracketed(local)
  const clientAddress = source?.address ?? bare(socket.remoteAddress)
  return {
    ...{ clientAddress, forwardedFor: clientAddress, scheme, port },
    localAuthority: port === (scheme === 'https' ? 443 : 80) ? host : `${host}:${port}`,
  }
}

const peerOf = (socket: Socket): string => `${socket.remoteAddress} ${socket.remotePort}`

const chainLength = (socket: TLSSocket): number => {
  const seen = new Set<string>()
  for (let each = socket.getPeerCertificate(true); each?.fingerprint256 && !seen.has(each.fingerprint256); ) {
    seen.add(each.fingerprint256)
    each = each.issuerCertificate
  }
  return seen.size
}

const proofOf = (socket: TLSSocket, host: string, depth: number): ClientProof => {
  const certificate = socket.getPeerCertificate()
  const hasOne = certificate?.raw !== undefined
  const subject = hasOne ? Object.entries(certificate.subject).map(([key, value]) => `${key}=${value}`) : []
  const name = hasOne ? certificate.subject.CN : ''
  return {
    host,
    // The leaf itself does not count.
    verified: hasOne && socket.authorized && chainLength(socket) - 1 <= depth,
    certificate: hasOne ? pemOf(certificate.raw) : '',
    subject: subject.join(','),
    commonName: (Array.isArray(name) ? name[0] : name) ?? '',
  }
}

export const createEntry = (options: EntryOptions): Entry => {
  const { table, tls, clientsOf, ticketKeys, isProxied, clients, mayAccept, relay } = options
  const patience = { deadlines: relay.deadlines, timeoutMs: relay.timeouts.head, fault: relay.fault }
  /** From its first moment on a connection counts, and ends with the others. */
  const arrive = (socket: Socket): void => {
    const drain = (): void => {
      const deadline = relay.deadlines.add(() => {
        if (arrivals.has(socket)) socket.destroySoon()
      })
      deadline.set(firstRequestMs)
      socket.once('close', deadline.remove)
    }
    const arrival: ClientConnection = { drain, destroy: () => socket.destroy() }
    arrivals.set(socket, arrival)
    clients.add(arrival)
    socket.once('close', () => begun(socket))
  }
  /** Somebody serves it from now on. */
  const begun = (socket: Socket): void => {
    const arrival = arrivals.get(socket)
    arrivals.delete(socket)
    if (arrival) clients.delete(arrival)
  }
  const guarded = (socket: Socket, action: () => void): void =>
    createGuard('a new connection', relay.fault, () => socket.destroy())(action)()
  /** Connections of which it is not known yet who serves them. */
  const arrivals = new Map<Socket, ClientConnection>()
  /** Of connections in the middle of a TLS handshake. */
  const sources = new Map<
    string,
    {
      readonly raw: Socket
      readonly from: Source
      readonly serverName: string | undefined
      readonly misdirects: Connection['misdirects']
    }
  >()

  const connectionOf = (
    socket: Socket,
    scheme: Via['scheme'],
    from: Source,
    proof: ClientProof | undefined,
    misdirects: Connection['misdirects'],
  ): Connection => {
    const via = viaOf(socket, scheme, from)
    const trusted = relay.isTrusted(via.clientAddress)
    const localAddress = bare(socket.localAddress)
    return { via, viaText: viaFields(via), table, localAddress, trusted, proof, clientsOf, misdirects }
  }

  /** A connection serves the hosts of one listener, and what clients had to show there must be what they have to show now. */
  const misdirecting = (serverName: string | undefined): Connection['misdirects'] => {
    const made = tls?.listenerOf(serverName)
    return (host) => {
      const wanted = tls?.listenerOf(host)
      if (!wanted) return false
      if (wanted.clients) return made?.name !== wanted.name || !isDeepStrictEqual(made.clients, wanted.clients)
      return serverName !== undefined && tls?.listenerOf(serverName)?.name !== wanted.name
    }
  }

  const serve = (socket: Socket, raw: Socket, connection: Connection, isH2: boolean): void => {
    begun(raw)
    const begin = isH2 ? serveH2Client : serveClient
    const client = begin(socket, connection, relay, () => clients.delete(client))
    clients.add(client)
    if (relay.draining) client.drain()
    socket.resume()
  }

  const passOn = (socket: Socket, backend: BackendKey): void => {
    begun(socket)
    const client = passThrough(socket, backend, relay, () => clients.delete(client))
    clients.add(client)
  }

  /** A session that is resumed was verified by what counted then: where clients show certificates there is none. */
  const contextOptions = (asks: Asks) => ({
    ...{ ...serverTlsOptions, ticketKeys, sessionIdContext: `podway ${asks}` },
    ...(asks === 'none' ? {} : { secureOptions: constants.SSL_OP_NO_TICKET }),
  })

  const secureServer = (asks: Asks) => {
    const asksClients = asks !== 'none'
    const server = createTlsServer({
      ...contextOptions(asks),
      ...{ ALPNProtocols: ['h2', 'http/1.1'], handshakeTimeout: relay.timeouts.head },
      ...{ requestCert: asksClients, rejectUnauthorized: asks === 'required' },
      // Called back with the error, the handshake fails, and nothing else does.
      SNICallback: (name, done) => {
        try {
          done(null, tls?.contextFor(name.toLowerCase()))
        } catch (error) {
          relay.fault(`the certificate of ${name}`, error)
          done(error instanceof Error ? error : new Error(String(error)))
        }
      },
      noDelay: true,
    })
    const secured = (socket: TLSSocket): void => {
      const known = sources.get(peerOf(socket))
      sources.delete(peerOf(socket))
      // As over plain connections.
      socket.allowHalfOpen = true
      // The connection below does not end by itself when what is above it has.
      socket.once('close', () => known?.raw.destroy())
      const wanted = tls?.clientsOf(known?.serverName ?? '')
      const host = known?.serverName
      const proof = asksClients && wanted && host !== undefined ? proofOf(socket, host, wanted.depth) : undefined
      const connection = connectionOf(socket, 'https', known?.from ?? direct, proof, known?.misdirects ?? everything)
      serve(socket, known?.raw ?? socket, connection, socket.alpnProtocol === 'h2')
    }
    server.on('secureConnection', (socket) => guarded(socket, () => secured(socket)))
    // A handshake that fails is the client's matter.
    server.on('tlsClientError', (_, socket) => socket.destroy())
    return server
  }
  const servers = tls && {
    none: secureServer('none'),
    asked: secureServer('asked'),
    required: secureServer('required'),
  }
  const shown = new Map<Asks, ReturnType<ServerTls['nameless']>>()
  /** TLS asks nobody which certificate a client gets that names no server. */
  const showNameless = (asks: Asks): void => {
    const wanted = tls?.nameless()
    if (!wanted || isDeepStrictEqual(wanted, shown.get(asks))) return
    shown.set(asks, wanted)
    const { certificate: cert, key, ca } = wanted
    servers?.[asks].setSecureContext({ ...contextOptions(asks), cert, key, ...(ca === undefined ? {} : { ca }) })
  }

  const plain = (socket: Socket, from: Source): void => {
    let start: ReturnType<typeof startOfPlain>
    readStart(
      socket,
      // As long as a connection may rest between two requests.
      { ...patience, timeoutMs: relay.timeouts.keepAlive },
      (bytes) => {
        start = startOfPlain(bytes)
        return start === undefined ? 'more' : 0
      },
      () => serve(socket, socket, connectionOf(socket, 'http', from, undefined, nothing), start === 'HTTP/2'),
    )
  }

  const secure = (socket: Socket, from: Source): void => {
    if (!servers || !tls) return plain(socket, from)
    let serverName: string | undefined
    readStart(
      socket,
      patience,
      (bytes) => {
        const hello = readClientHello(bytes)
        if (hello.kind === 'more') return 'more'
        if (hello.kind === 'hello') serverName = hello.serverName
        return 0
      },
      () => {
        const backend = tls.passthroughOf(serverName)
        if (backend !== undefined) return passOn(socket, backend)
        // A handshake that a client leaves ends with it.
        socket.allowHalfOpen = false
        const peer = peerOf(socket)
        sources.set(peer, { raw: socket, from, serverName, misdirects: misdirecting(serverName) })
        socket.once('close', () => sources.delete(peer))
        const asks = tls.asks(serverName)
        if (serverName === undefined) showNameless(asks)
        servers[asks].emit('connection', socket)
      },
    )
  }

  const accept = (socket: Socket): void => {
    // Already gone again: there is nobody to serve, and no address to tell backends.
    if (socket.remoteAddress === undefined || !mayAccept()) return void socket.destroy()
    arrive(socket)
    if (!isProxied(bare(socket.remoteAddress))) return secure(socket, direct)
    let header: ProxyHeader | undefined
    readStart(
      socket,
      patience,
      (bytes) => {
        const found = readProxyHeader(bytes)
        if (typeof found === 'string') return found
        header = found
        return found.length
      },
      () => secure(socket, header ?? direct),
    )
  }
  const server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true }, (socket) =>
    guarded(socket, () => accept(socket)),
  )

  return {
    listen: ({ address: host, port, reusePort }) =>
      new Promise((resolve, reject) => {
        // After the start: accepting failed, for want of files as a rule; the next attempt may succeed.
        server.on('error', (error) => (server.listening ? relay.report(`accept: ${error.message}`) : reject(error)))
        server.listen({ host, port, reusePort }, () => {
          const address = server.address()
          if (address !== null && typeof address === 'object') resolve(address)
          else reject(new Error(`listening on ${host}:${port} gave no address`))
        })
      }),
    close: async () => {
      if (!server.listening) return
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
