/**
 * Requests a second through the Ingress relay, against a plain proxy made of node:http and undici, same backend.
 *   node_modules/.bin/node test/bench/ingress.ts [REQUESTS=20000]
 * Proxies and backend are processes of their own on 127.0.0.1; 32 keep-alive connections. Rounds alternate.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { Pool } from 'undici'
import { serviceOfSlice } from '../../src/api/slices.ts'
import type { Ingress, IngressClass } from '../../src/api/types/index.ts'
import { silentLogger } from '../../src/host/log.ts'
import { createIngress } from '../../src/proxy/ingress/ingress.ts'
import { service, slice } from '../support/cluster-objects.ts'
import { createFedInformer } from '../support/fed-informer.ts'

const [role = '20000', backendPort = '0'] = process.argv.slice(2)
const body = Buffer.alloc(1024, 'x')

const roles: Readonly<Record<string, () => Promise<number>>> = {
  backend: async () => {
    const server = createServer((_, response) => response.end(body)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  },
  peer: async () => {
    const pool = new Pool(`http://127.0.0.1:${backendPort}`, { connections: 64 })
    const server = createServer((incoming, outgoing) => {
      pool
        .stream({ method: 'GET', path: incoming.url ?? '/', headers: { host: 'web.lab' } }, ({ statusCode, headers }) =>
          outgoing.writeHead(statusCode, headers as Record<string, string>),
        )
        .catch(() => outgoing.destroy())
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  },
  ours: async () => {
    const endpoint = { addresses: ['127.0.0.1'], conditions: { ready: true } }
    const backend = { service: { name: 'web', port: { number: 80 } } }
    const ingress: Ingress = {
      ...{ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'web', namespace: 'default' } },
      spec: {
        ingressClassName: 'podway',
        rules: [{ host: 'web.lab', http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }],
      },
    }
    const kind: IngressClass = {
      ...{ apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', metadata: { name: 'podway' } },
      spec: { controller: 'podway.dev/ingress' },
    }
    const proxy = createIngress({
      ingresses: createFedInformer([ingress]),
      classes: createFedInformer([kind]),
      services: createFedInformer([service('web', { clusterIP: '10.96.0.9', ports: [{ name: 'http', port: 80 }] })]),
      slices: createFedInformer(
        [slice('web', [endpoint], [{ name: 'http', port: Number(backendPort), protocol: 'TCP' }])],
        {
          service: serviceOfSlice,
        },
      ),
      ...{ listen: { address: '127.0.0.1', port: 0 }, log: silentLogger },
    })
    void proxy.run(new AbortController().signal)
    await proxy.ready
    return proxy.address()?.port ?? 0
  },
}

const start = async (what: string, port = 0) => {
  const child = fork(fileURLToPath(import.meta.url), [what, String(port)])
  const [said] = await once(child, 'message')
  return { port: Number(said), stop: () => child.kill() }
}

const connections = 32

const measure = async (port: number, total: number): Promise<number> => {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const outgoing = request({ host: '127.0.0.1', port, agent, headers: { host: 'web.lab' } }, (response) => {
        if (response.statusCode !== 200) return reject(new Error(`answered ${response.statusCode}`))
        response.resume().on('end', resolve).on('error', reject)
      })
      outgoing.on('error', reject).end()
    })
  let left = total
  const started = performance.now()
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (left-- > 0) await one()
    }),
  )
  agent.destroy()
  return total / ((performance.now() - started) / 1000)
}

const run = async (total: number): Promise<void> => {
  const backend = await start('backend')
  const peer = await start('peer', backend.port)
  const ours = await start('ours', backend.port)
  const best = { direct: 0, peer: 0, ours: 0 }
  try {
    for (let round = 0; round < 3; round++)
      for (const [name, { port }] of [
        ['direct', backend],
        ['peer', peer],
        ['ours', ours],
      ] as const) {
        const perSecond = await measure(port, total)
        best[name] = Math.max(best[name], perSecond)
        console.log(`${name}: ${Math.round(perSecond)} requests/s`)
      }
  } finally {
    for (const { stop } of [ours, peer, backend]) stop()
  }
  console.log(
    `ratio to node:http + undici: ${(best.ours / best.peer).toFixed(2)}, to the backend alone: ${(best.ours / best.direct).toFixed(2)}`,
  )
}

const server = roles[role]
if (server) process.send?.(await server())
else await run(Number(role))
