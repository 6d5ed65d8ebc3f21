/** A lab that is attacked: its API as anybody may speak to it, and what must be the same afterwards. */
import { writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Test } from 'tap'
import { type Connection, readKubeconfig } from '../../../src/api/kubeconfig.ts'
import { createLabHome, type LabHome, type LabUser, root } from '../../integration/support/lab.ts'
import { until } from '../../support/until.ts'

export interface RawAnswer {
  readonly status: number
  readonly text: string
}

export interface RawRequest {
  readonly method?: string
  readonly path: string
  readonly body?: string | Buffer
  readonly type?: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface AttackedLab extends LabHome {
  /** The administrator's connection, and that of a node's agent. */
  readonly admin: Connection
  nodeConnection(node: string): Promise<Connection>
  /** One request as it stands, as whoever the connection says, or as nobody. `status` 0: the connection was reset. */
  ask(as: Connection, request: RawRequest): Promise<RawAnswer>
  /** All rules of a node but counters. */
  rulesOf(node: string): Promise<string>
}

/** One way to do harm. It fails the test when it succeeds. */
export interface Attack {
  readonly name: string
  readonly run: (t: Test, lab: AttackedLab) => Promise<void>
}

const answerTimeoutMs = 20_000

const ask = (
  { server, ca, cert, key, token }: Connection,
  { method = 'GET', path, body, type, headers: more }: RawRequest,
) =>
  new Promise<RawAnswer>((resolve) => {
    const headers = {
      ...(body === undefined
        ? {}
        : { 'content-type': type ?? 'application/json', 'content-length': Buffer.byteLength(body) }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...more,
    }
    // A target as it stands: URL would repair it.
    const { hostname, port } = new URL(server)
    const call = request({
      hostname,
      port,
      method,
      path,
      headers,
      ca,
      cert,
      key,
      agent: false,
      timeout: answerTimeoutMs,
    })
    call.on('response', async (response) =>
      resolve({ status: response.statusCode ?? 0, text: await text(response).catch(String) }),
    )
    call.on('timeout', () => call.destroy(new Error('no answer')))
    call.on('error', (error) => resolve({ status: 0, text: String(error) }))
    call.end(body)
  })

const withoutCounters = (saved: string): string => saved.replaceAll(/^#.*\n/gm, '').replaceAll(/\[\d+:\d+\]/g, '')

/** Starts a lab of two nodes with the demo in it, which ends with the test. */
export const startAttackedLab = async (t: Test, user?: LabUser): Promise<AttackedLab> => {
  const home = await createLabHome(user)
  const { run, kubectl, kubeconfig, fetchFrom, onHost } = home
  t.teardown(() => run('lab', 'down').catch(() => undefined))
  await run('lab', 'up', '--nodes', '2')
  await kubectl('apply', '-f', join(root, 'examples/demo.yaml'))
  await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')
  await until(
    () => fetchFrom('client', 'http://172.30.0.11:30080/', 1).catch(() => undefined),
    'the demo to answer',
    30_000,
  )
  const admin = await readKubeconfig(kubeconfig)
  return {
    ...home,
    ...{ admin, ask },
    nodeConnection: async (node) => {
      const file = join(home.home, `${node}.kubeconfig`)
      await writeFile(file, await onHost(node, 'cat', `/var/lib/podway/${node}.kubeconfig`))
      // The port that leads to the API from outside of the lab.
      return { ...(await readKubeconfig(file)), server: admin.server }
    },
    rulesOf: async (node) => {
      const families = await Promise.all(['iptables-nft-save', 'ip6tables-nft-save'].map((tool) => onHost(node, tool)))
      return withoutCounters(families.join('\n'))
    },
  }
}

/** How long somebody else waits for an answer, at worst, while `busy` is under way. */
export const worstWait = async ({ admin, ask }: AttackedLab, busy: Promise<unknown>): Promise<number> => {
  let isBusy = true
  void busy.finally(() => {
    isBusy = false
  })
  let worst = 0
  do {
    const started = performance.now()
    await ask(admin, { path: '/healthz' })
    worst = Math.max(worst, performance.now() - started)
  } while (isBusy)
  return worst
}

/** Far above what a busy machine needs for an answer, far below what harm would cost. */
export const tolerableMs = 1_500

/** What every attack must leave as it was: the API, the nodes, traffic by every path. */
export const checkUnharmed = async (t: Test, { onHost, kubectl }: AttackedLab): Promise<void> => {
  // Many times in a test: curl is there at once, and shows one answer in a line.
  const ask = async (...words: readonly string[]): Promise<readonly string[]> => {
    const told = await onHost('client', 'curl', '-sSf', '-m', '20', '-H', 'Connection: close', '-w', '\\n', ...words)
    return told.split('\n').filter((line) => line !== '')
  }
  const urls = ['http://172.30.0.11:30080/', 'http://172.30.0.12:30080/']
  const name = 'web.default.svc.cluster.local'
  const [nodes, ingress, asked, ...ports] = await Promise.all([
    kubectl('get', 'nodes'),
    ask('http://172.30.0.11/', '-H', 'Host: web.lab'),
    onHost('node1', 'podway', 'dns', 'query', name, '-o', 'json'),
    ...urls.map((url) => ask(url, url, url)),
  ])
  t.match(nodes, /node1 +Ready[\s\S]*node2 +Ready/, 'nodes are Ready')
  for (const [at, answers] of ports.entries()) t.equal(answers.length, 3, `${urls[at]} answers`)
  t.equal(ingress.length, 1, 'Ingress answers')
  t.equal(JSON.parse(asked).answers.length, 1, 'DNS answers')
}
