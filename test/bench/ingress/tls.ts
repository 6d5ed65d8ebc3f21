/** Requests a second over TLS, in both versions of HTTP, beside nginx with the same certificate. */
import { sized } from '../support/size.ts'
import type { Lab } from './support/lab.ts'
import { secureRate } from './support/load.ts'
import { makeCertificate, startBackend, startNginx, startOurs } from './support/proxies.ts'
import { atLeast, best, type Row } from './support/results.ts'

const rounds = sized(3, 1)
const seconds = sized(2, 1)

const modes: Readonly<Record<string, readonly string[]>> = {
  'HTTP/1.1 over TLS': ['--h1'],
  'HTTP/2, 1 stream at a time': ['-m1'],
  'HTTP/2, 10 streams at a time': ['-m10'],
}

export const measureTls = async (lab: Lab): Promise<readonly Row[]> => {
  const backend = await startBackend(lab)
  const certificate = await makeCertificate()
  const ours = await startOurs(lab, backend, { certificate })
  const nginx = await startNginx(lab, 'nginx', backend, { certificate })
  const rows: Row[] = []
  for (const [what, words] of Object.entries(modes)) {
    const seen = { ours: [] as number[], nginx: [] as number[] }
    for (let round = 0; round <= rounds; round++) {
      const pair = {
        ours: await secureRate(lab, ours.httpsPort, seconds, words),
        nginx: await secureRate(lab, nginx.port, seconds, words),
      }
      // The first round is for warming up.
      if (round === 0) continue
      seen.ours.push(pair.ours)
      seen.nginx.push(pair.nginx)
    }
    const [mine, theirs] = [best(seen.ours), best(seen.nginx)]
    rows.push({ what, measured: `${Math.round(mine)} requests/s, nginx ${Math.round(theirs)}` })
    rows.push(atLeast(what, mine / theirs, 0.6, 'nginx'))
  }
  return rows
}
