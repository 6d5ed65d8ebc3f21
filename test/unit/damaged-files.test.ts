/**
 * Every file that is written to outlive the process that wrote it, in every state in which it may be found. What a cluster is
 * known by is refused, with the file and the cure; what can be made again is set aside, told of, and made again.
 */

import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import t from 'tap'
import { findKept } from '../../src/agent/join.ts'
import { appendNote, indexFile, mendIndex, readIndex } from '../../src/agent/logs/log-index.ts'
import { readLog } from '../../src/agent/logs/reader.ts'
import { partFile } from '../../src/agent/logs/segments.ts'
import { readAgentIdentity } from '../../src/agent/node/agent-identity.ts'
import { readKeptNetwork } from '../../src/agent/parts/kept-ranges.ts'
import { openTakeover } from '../../src/agent/takeover.ts'
import { createAuthority, issueCertificate, validFor } from '../../src/api/certificates.ts'
import { renderKubeconfig } from '../../src/api/kubeconfig.ts'
import type { KubeObject } from '../../src/api/types/index.ts'
import { openPki } from '../../src/control/auth/pki.ts'
import { openSqliteBackend } from '../../src/control/storage/sqlite-backend.ts'
import { openStore } from '../../src/control/storage/watch-cache.ts'
import { readDnsConfig } from '../../src/dns/config/watch.ts'
import { loadSnapshot, saveSnapshot } from '../../src/dns/thread/snapshot.ts'
import { addressRecord } from '../../src/dns/zone/records.ts'
import type { Logger } from '../../src/host/log.ts'
import { silentLogger } from '../../src/host/log.ts'
import { listenAtPath } from '../../src/host/socket-file.ts'
import { createFileLeaseStore } from '../../src/ipam/lease-store.ts'
import { openPodAddresses } from '../../src/ipam/pod-addresses.ts'
import { openWireguardKeys } from '../../src/overlay/wireguard.ts'
import { defaultCertificate } from '../../src/proxy/ingress/tls/default-certificate.ts'
import { type Damage, damageNames, damages } from '../support/damage.ts'

/** What is expected of whoever opens a damaged file. */
type Outcome =
  /** It throws, names the file and the cure, and leaves it as it is. */
  | 'refused'
  /** It goes on without, tells of the file, and keeps it under another name. */
  | 'set aside'
  /** It goes on without, and there is nothing to tell. */
  | 'goes on'

interface DurableFile {
  readonly name: string
  /** Writes it, and resolves to its path below the folder. */
  readonly make: (folder: string) => Promise<string>
  /** Opens it as the program does at its start; what is seen there, for the comparison with a second start. */
  readonly open: (folder: string, tell: (message: string) => void) => Promise<unknown>
  readonly outcome: Outcome
  /** Where a damage has another outcome than the others. */
  readonly but?: Partial<Record<Damage, Outcome>>
  /** What a refusal advises. */
  readonly cure?: RegExp
}

/** A logger that hands warnings on. */
const loggerTo = (tell: (message: string) => void): Logger =>
  Object.assign(Object.create(silentLogger), { warn: (first: unknown) => tell(String(first)) })

const pki = (folder: string, tell: (message: string) => void) =>
  openPki({
    ...{ folder: join(folder, 'pki'), now: Date.now(), isFounded: existsSync(join(folder, 'pki')), onDamage: tell },
    ...{ server: { commonName: 'api' }, client: { commonName: 'c' } },
    ...{ frontProxy: { commonName: 'f' }, admin: { commonName: 'a' } },
  })

const pkiFile = (name: string, outcome: Outcome): DurableFile => ({
  name: `pki/${name}`,
  make: async (folder) => {
    await pki(folder, t.fail)
    return join(folder, 'pki', name)
  },
  open: async (folder, tell) => (await pki(folder, tell)).authority.cert,
  outcome,
  cure: /restore ca\.crt and ca\.key from a backup.*remove the whole data folder/,
})

const agentIdentity = (folder: string, tell: (message: string) => void) =>
  readAgentIdentity(join(folder, 'agent-identity.json'), 'n1', 'boot', tell)

const key = { bucket: 'x', name: 'd/a' }
const object = { apiVersion: 'v1', kind: 'X', metadata: { name: 'a' } } as KubeObject

const makeStore = async (folder: string): Promise<string> => {
  const file = join(folder, 'store.db')
  const store = await openStore(openSqliteBackend(file))
  for (let n = 0; n < 200; n++) await store.commit({ key: { bucket: 'x', name: `d/${n}` }, expected: 0, object })
  await store.commit({ key, expected: 0, object })
  await store.close()
  return file
}

/** As a process that was killed leaves it: with all writes in the log. */
const makeKilledStore = async (folder: string): Promise<string> => {
  const live = join(folder, 'live.db')
  const store = await openStore(openSqliteBackend(live))
  await store.commit({ key, expected: 0, object })
  for (const part of ['', '-wal']) copyFileSync(`${live}${part}`, join(folder, `store.db${part}`))
  await store.close()
  for (const part of ['', '-wal', '-shm']) rmSync(`${live}${part}`, { force: true })
  return join(folder, 'store.db-wal')
}

const reopenStore = async (folder: string, tell: (message: string) => void): Promise<unknown> => {
  const store = await openStore(openSqliteBackend(join(folder, 'store.db'), { onDamage: tell }))
  try {
    return store.get(key)?.revision
  } finally {
    await store.close()
  }
}

const leases = (folder: string, tell: (message: string) => void) =>
  openPodAddresses({
    podCIDRs: ['10.244.1.0/24'],
    store: createFileLeaseStore(join(folder, 'leases.json'), {
      find: async () => [{ owner: 'alive', addresses: ['10.244.1.2'] }],
      onDamage: tell,
    }),
  })

const logText = (from: number, lines: number): string =>
  Array.from({ length: lines }, (_, at) => `line ${from + at}\n`).join('')

/** A log of one rotated part and the live file. */
const makeLog = (folder: string): string => {
  const log = join(folder, '0.log')
  const [old, live] = [logText(100, 50), logText(500, 50)]
  writeFileSync(partFile(log, 0, old.length), old)
  // The hole that a rotation leaves.
  writeFileSync(log, `${'\0'.repeat(old.length)}${live}`)
  appendNote(log, { offset: old.length + live.length, time: 1_000 })
  return log
}

const readAll = async (folder: string): Promise<string> => {
  const source = { file: join(folder, '0.log'), isOver: () => true }
  let text = ''
  for await (const bytes of readLog(source, { timestamps: true }, new AbortController().signal)) text += bytes
  return text
}

const authority = await createAuthority('a', validFor(10, Date.now()))
const node = await issueCertificate(authority, { commonName: 'system:node:n1' }, validFor(365, Date.now()), 'client')
const server = 'https://192.0.2.1:6443'

const files: readonly DurableFile[] = [
  pkiFile('ca.key', 'refused'),
  pkiFile('ca.crt', 'refused'),
  ...['server', 'control', 'front-proxy', 'admin'].flatMap((name) => [
    pkiFile(`${name}.key`, 'set aside'),
    pkiFile(`${name}.crt`, 'set aside'),
  ]),
  ...['sa.key', 'sa.pub'].map((name) => ({ ...pkiFile(name, 'set aside'), but: { gone: 'goes on' as const } })),
  {
    name: 'agent-identity.json',
    make: async (folder) => {
      await agentIdentity(folder, t.fail)
      return join(folder, 'agent-identity.json')
    },
    open: agentIdentity,
    outcome: 'set aside',
    but: { gone: 'goes on' },
  },
  {
    name: 'store.db',
    make: makeStore,
    open: reopenStore,
    outcome: 'refused',
    but: { gone: 'goes on' },
    cure: /restore it from a backup.*to begin with an empty store, remove /,
  },
  {
    name: 'store.db, while its log is there',
    make: async (folder) => {
      await makeKilledStore(folder)
      return join(folder, 'store.db')
    },
    open: reopenStore,
    outcome: 'refused',
    cure: /restore it from a backup/,
  },
  {
    name: 'store.db-wal',
    make: makeKilledStore,
    open: reopenStore,
    outcome: 'refused',
    // A killed process may leave an empty log, or one that ends in the middle of a write that nobody was told of.
    but: { empty: 'goes on', 'cut in the middle': 'goes on', gone: 'goes on' },
    cure: /restore it from a backup/,
  },
  {
    name: 'leases.json',
    make: async (folder) => {
      const addresses = await leases(folder, t.fail).catch(() => leases(folder, () => undefined))
      await addresses.assign('other')
      return join(folder, 'leases.json')
    },
    open: async (folder, tell) => {
      const addresses = await leases(folder, tell)
      const [fresh] = await addresses.assign('new')
      const [own] = await addresses.assign('alive')
      if (own !== '10.244.1.2' || fresh === own) throw new Error('a living pod lost its address')
      return own
    },
    outcome: 'set aside',
    but: { gone: 'goes on' },
  },
  {
    name: 'pod-networks.json',
    make: async (folder) => {
      writeFileSync(join(folder, 'pod-networks.json'), '["10.244.1.0/24"]')
      return join(folder, 'pod-networks.json')
    },
    open: (folder, tell) => readKeptNetwork(join(folder, 'pod-networks.json'), loggerTo(tell)),
    outcome: 'set aside',
    but: { gone: 'goes on' },
  },
  {
    name: 'the claim of an agent',
    make: async (folder) => {
      mkdirSync(join(folder, 'takeover'))
      // No process has this number.
      const file = join(folder, 'takeover', 'dns.99999999.json')
      writeFileSync(file, JSON.stringify({ pid: 99_999_999, startTime: '0', at: '1' }))
      return file
    },
    open: async (folder, tell) => {
      const takeover = await openTakeover(folder, loggerTo(tell))
      const claim = await takeover.claim('dns')
      await claim.replaceOthers()
      await claim.end()
      await takeover.close()
    },
    outcome: 'set aside',
    but: { gone: 'goes on' },
  },
  {
    name: 'the kubeconfig of a node',
    make: async (folder) => {
      const text = renderKubeconfig('n1', { server, ca: authority.cert, ...node })
      writeFileSync(join(folder, 'n1.kubeconfig'), text)
      return join(folder, 'n1.kubeconfig')
    },
    open: (folder, tell) => findKept(join(folder, 'n1.kubeconfig'), { server, nodeName: 'n1', log: loggerTo(tell) }),
    outcome: 'set aside',
    but: { gone: 'goes on' },
  },
  {
    name: 'dns-zone',
    make: async (folder) => {
      const sources = Array.from({ length: 9 }, (_, n) => [`d/s${n}`, [addressRecord(`s${n}.x`, '10.0.0.1')]] as const)
      await saveSnapshot(join(folder, 'dns-zone'), sources)
      return join(folder, 'dns-zone')
    },
    open: (folder, tell) => loadSnapshot(join(folder, 'dns-zone'), tell),
    outcome: 'set aside',
    but: { gone: 'goes on' },
  },
  {
    name: 'the configuration of DNS',
    make: async (folder) => {
      writeFileSync(join(folder, 'dns.yaml'), 'ttl: 1\nforward:\n  - zone: example.org\n    upstreams: [192.0.2.53]\n')
      return join(folder, 'dns.yaml')
    },
    open: (folder) => readDnsConfig(join(folder, 'dns.yaml')),
    outcome: 'refused',
    // A file with nothing in it says that all is as usual.
    but: { empty: 'goes on' },
    cure: /dns\.yaml/,
  },
  {
    name: 'wireguard.key',
    make: async (folder) => {
      await openWireguardKeys(join(folder, 'wireguard.key'), t.fail)
      return join(folder, 'wireguard.key')
    },
    open: (folder, tell) => openWireguardKeys(join(folder, 'wireguard.key'), tell),
    outcome: 'set aside',
    but: { gone: 'goes on' },
  },
  {
    name: 'ingress-default.pem',
    make: async (folder) => {
      await defaultCertificate(folder, t.fail)
      return join(folder, 'ingress-default.pem')
    },
    open: (folder, tell) => defaultCertificate(folder, tell),
    outcome: 'set aside',
    but: { gone: 'goes on' },
  },
  {
    name: 'the place of a socket',
    make: async (folder) => {
      writeFileSync(join(folder, 'cni.sock'), 'no socket')
      return join(folder, 'cni.sock')
    },
    open: async (folder, tell) => {
      const server = createServer()
      const { release } = await listenAtPath(server, join(folder, 'cni.sock'), tell)
      await release()
      server.close()
    },
    outcome: 'set aside',
    but: { gone: 'goes on' },
  },
  {
    name: 'the index of a log',
    make: async (folder) => indexFile(makeLog(folder)),
    open: async (folder, tell) => {
      const text = await readAll(folder)
      if (!/line 100\n[\s\S]*line 549\n/.test(text)) throw new Error(`lines are missing:\n${text}`)
      await mendIndex(join(folder, '0.log'), tell)
      appendNote(join(folder, '0.log'), { offset: 1, time: 1 })
      return (await readIndex(join(folder, '0.log'))).base
    },
    outcome: 'set aside',
    // What is cut off in the last line was never whole.
    but: { gone: 'goes on', empty: 'set aside', 'cut in the middle': 'goes on' },
  },
  {
    name: 'a rotated part of a log',
    make: async (folder) => {
      makeLog(folder)
      return join(folder, readdirSync(folder).find((name) => /\d-\d/.test(name)) ?? '')
    },
    open: async (folder) => {
      const text = await readAll(folder).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ELOOP') return logText(500, 50)
        throw error
      })
      if (!/line 500\n[\s\S]*line 549\n/.test(text)) throw new Error(`lines of the live file are missing:\n${text}`)
      return undefined
    },
    outcome: 'goes on',
  },
]

const openQuietly = async (file: DurableFile, folder: string) => {
  const told: string[] = []
  const seen = await file
    .open(folder, (message) => told.push(message))
    .then(
      (value) => ({ value }),
      (error: unknown) => ({ error: error instanceof Error ? error : new Error(String(error)) }),
    )
  return { ...seen, told: told.join('\n') }
}

for (const file of files)
  for (const damage of damageNames)
    t.test(`${file.name} is ${damage}`, async (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'podway-damage-'))
      t.teardown(() => rmSync(folder, { recursive: true }))
      const path = await file.make(folder)
      damages[damage](path)
      const before = lstatSync(path, { throwIfNoEntry: false })?.size
      const outcome = file.but?.[damage] ?? file.outcome
      const found = await openQuietly(file, folder)
      const asides = readdirSync(dirname(path)).filter((name) => name.startsWith(`${basename(path)}.damaged-`))
      switch (outcome) {
        case 'refused':
          t.match('error' in found ? found.error.message : 'it goes on', path, 'the error names the file')
          if (file.cure) t.match('error' in found ? found.error.message : '', file.cure, 'and the cure')
          t.equal(lstatSync(path, { throwIfNoEntry: false })?.size, before, 'the file is as it was')
          t.same(asides, [])
          break
        case 'set aside': {
          t.notOk('error' in found && found.error, 'it goes on')
          // Of a pair of which one half is gone, the other is set aside.
          if (damage !== 'gone') {
            t.match(found.told, basename(path), 'the file is named')
            t.equal(asides.length, 1, 'it is kept')
          }
          t.match(found.told, /set aside as /)
          const again = await openQuietly(file, folder)
          t.notOk('error' in again && again.error)
          t.equal(again.told, '', 'the next start has nothing to tell')
          break
        }
        case 'goes on':
          t.notOk('error' in found && found.error)
          t.same(asides, [])
      }
    })

t.test('what was set aside does not pile up', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'podway-damage-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'wireguard.key')
  for (let n = 0; n < 6; n++) {
    writeFileSync(file, `${n}`)
    await openWireguardKeys(file, () => undefined)
    await new Promise((resolve) => setImmediate(resolve))
  }
  const asides = readdirSync(folder).filter((name) => name.includes('.damaged-'))
  t.ok(asides.length <= 3, asides.join())
  t.equal(readFileSync(join(folder, asides.sort().at(-1) ?? ''), 'utf8'), '5', 'the newest are kept')
})

t.test('a folder that holds something is set aside with what it holds', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'podway-damage-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'wireguard.key/mine'), { recursive: true })
  await openWireguardKeys(join(folder, 'wireguard.key'), () => undefined)
  const [aside = ''] = readdirSync(folder).filter((name) => name.includes('.damaged-'))
  t.ok(existsSync(join(folder, aside, 'mine')))
})
