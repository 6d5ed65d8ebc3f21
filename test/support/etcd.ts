/** Debian's etcd on this machine's loopback: one member or several, which can be killed, started again, and cut off. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { freePort } from './free-port.ts'
import { until } from './until.ts'

export interface EtcdMember {
  readonly url: string
  readonly peerPort: number
  readonly clientPort: number
  start(): Promise<void>
  kill(): Promise<void>
  /** Stops its process where it is, as a machine that hangs. */
  freeze(): void
  thaw(): void
  isLeader(): Promise<boolean>
}

export interface Etcd {
  readonly members: readonly EtcdMember[]
  readonly endpoints: readonly string[]
  /** Rejects while there is none. */
  leader(): Promise<EtcdMember>
}

export interface EtcdSettings {
  readonly members?: number
  /** Files; clients must show a certificate of this authority. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string }
  readonly more?: readonly string[]
  /** Where its files are; a folder of its own, when missing. */
  readonly folder?: string
  /** Each member on an address of its own, by these words before its command (`ip netns exec …`). */
  readonly hosts?: readonly { readonly address: string; readonly within: readonly string[] }[]
}

interface Place {
  readonly name: string
  readonly address: string
  readonly within: readonly string[]
  readonly clientPort: number
  readonly peerPort: number
}

const post = async (url: string, path: string, body: object): Promise<Readonly<Record<string, unknown>>> => {
  const answer = await fetch(`${url}${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(1_000),
  })
  return (await answer.json()) as Readonly<Record<string, unknown>>
}

/** Started, and ended with the test. */
export const startEtcd = async (
  t: Test,
  { members: count = 1, tls, more = [], folder: given, hosts = [] }: EtcdSettings = {},
): Promise<Etcd> => {
  const folder = given ?? mkdtempSync(join(tmpdir(), 'podway-etcd-'))
  const places: Place[] = []
  for (let n = 0; n < count; n++)
    places.push({
      ...{ name: `m${n}`, address: '127.0.0.1', within: [], ...hosts[n] },
      ...{ clientPort: await freePort(), peerPort: await freePort() },
    })
  const scheme = tls ? 'https' : 'http'
  const peerOf = ({ address, peerPort }: Place) => `http://${address}:${peerPort}`
  const cluster = places.map((each) => `${each.name}=${peerOf(each)}`).join(',')

  const memberOf = (place: Place): EtcdMember => {
    const url = `${scheme}://${place.address}:${place.clientPort}`
    let child: ChildProcess | undefined
    let ended: Promise<unknown> = Promise.resolve()
    const args = [
      ...['--name', place.name, '--data-dir', join(folder, place.name), '--log-level', 'fatal'],
      ...['--listen-client-urls', url, '--advertise-client-urls', url],
      ...['--listen-peer-urls', peerOf(place), '--initial-advertise-peer-urls', peerOf(place)],
      ...['--initial-cluster', cluster, '--heartbeat-interval', '50', '--election-timeout', '500'],
      ...(tls
        ? ['--client-cert-auth', '--trusted-ca-file', tls.ca, '--cert-file', tls.cert, '--key-file', tls.key]
        : []),
      ...more,
    ]
    const isUp = async (): Promise<boolean> => {
      if (tls) return true
      try {
        return ((await post(url, '/v3/maintenance/status', {}))['leader'] ?? '0') !== '0'
      } catch {
        return false
      }
    }
    return {
      ...place,
      url,
      start: async () => {
        const [file = '', ...words] = [...place.within, 'etcd', ...args]
        const started = spawn(file, words, { stdio: 'ignore' })
        child = started
        ended = once(started, 'exit')
        await until(async () => started.exitCode !== null || (await isUp()), `etcd ${place.name}`, 30_000)
        if (started.exitCode !== null) throw new Error(`etcd ended with ${started.exitCode}`)
      },
      kill: async () => {
        child?.kill('SIGCONT')
        child?.kill('SIGKILL')
        await ended
      },
      freeze: () => void child?.kill('SIGSTOP'),
      thaw: () => void child?.kill('SIGCONT'),
      isLeader: async () => {
        const status = await post(url, '/v3/maintenance/status', {})
        return status['leader'] === (status['header'] as { readonly member_id?: string } | undefined)?.member_id
      },
    }
  }

  const members = places.map(memberOf)
  t.teardown(async () => {
    await Promise.all(members.map(({ kill }) => kill()))
    if (given === undefined) rmSync(folder, { recursive: true, force: true })
  })
  await Promise.all(members.map(({ start }) => start()))
  return {
    members,
    endpoints: members.map(({ url }) => url),
    leader: async () => {
      for (const member of members) if (await member.isLeader().catch(() => false)) return member
      throw new Error('no member leads')
    },
  }
}
