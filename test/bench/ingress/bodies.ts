/** Megabytes a second of a body of 100 MB, both ways, beside nginx with and without its buffers. */

import { join } from 'node:path'
import { sized } from '../support/size.ts'
import type { Lab } from './support/lab.ts'
import { type Contender, hostOf, startBackend, startNginx, startOurs } from './support/proxies.ts'
import { atLeast, best, type Row } from './support/results.ts'

const rounds = sized(5, 1)
const bodyBytes = sized(100_000_000, 1_000_000)

const curl = (lab: Lab, port: number, path: string, words: readonly string[]): Promise<string> =>
  lab.run([
    ...['curl', '-sS', '--fail', '--max-time', '20', '-o', '/dev/null', '-H', `Host: ${hostOf(1)}`, ...words],
    `http://127.0.0.1:${port}${path}`,
  ])

const directions: Readonly<Record<string, (lab: Lab, port: number) => Promise<string>>> = {
  download: (lab, port) => curl(lab, port, '/file', ['-w', '%{speed_download} %{size_download}']),
  upload: (lab, port) =>
    curl(lab, port, '/', ['-H', 'Expect:', '-T', join(lab.folder, 'file'), '-w', '%{speed_upload} %{size_upload}']),
}

const megabytesPerSecond = (said: string): number => {
  const [speed = Number.NaN, size] = said.split(' ').map(Number)
  if (size !== bodyBytes) throw new Error(`${size} bytes have passed, not ${bodyBytes}`)
  return speed / 1e6
}

const nginxBuffers: Readonly<Record<string, string>> = {
  'nginx without buffers': 'proxy_buffering off; proxy_request_buffering off;',
  'nginx with its defaults': '',
}

export const measureBodies = async (lab: Lab): Promise<readonly Row[]> => {
  await lab.write('file', Buffer.alloc(bodyBytes, 'podway'))
  const rows: Row[] = []
  const files = await startBackend(lab)
  const { said: taker } = await lab.help<number>('around', 'taker.ts', {})
  for (const [direction, measure] of Object.entries(directions)) {
    const backend = direction === 'download' ? files : taker
    const proxies: Contender[] = [await startOurs(lab, backend)]
    for (const [name, more] of Object.entries(nginxBuffers))
      proxies.push(await startNginx(lab, name, backend, { more }))
    const seen = proxies.map(() => [] as number[])
    for (let round = 0; round < rounds; round++)
      for (const [at, { port }] of proxies.entries()) seen[at]?.push(megabytesPerSecond(await measure(lab, port)))
    const [ours = Number.NaN, ...theirs] = seen.map(best)
    const all = proxies.map(({ name }, at) => `${name} ${Math.round(best(seen[at] ?? []))}`)
    rows.push({ what: `${bodyBytes / 1e6} MB, ${direction}`, measured: `${all.join(', ')} MB/s` })
    rows.push(atLeast(`${bodyBytes / 1e6} MB, ${direction}`, ours / Math.max(...theirs), 0.8, 'the better nginx'))
    for (const proxy of proxies) await proxy.process.stop()
  }
  return rows
}
