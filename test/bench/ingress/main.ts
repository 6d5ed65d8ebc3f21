/**
 * The Ingress proxy beside nginx, HAProxy and a proxy of Node's own parts: same backend, same routes, one worker each.
 *   node_modules/.bin/node test/bench/ingress/main.ts [-o json] [http] [tls] [bodies] [sockets] [changes] [rolling]
 * The proxy that is measured has core 0; backend and load generator share core 1. Rounds alternate; the best of them.
 */
import { measureBodies } from './bodies.ts'
import { measureChanges } from './changes.ts'
import { measureHttp } from './http.ts'
import { measureRolling } from './rolling.ts'
import { measureSockets } from './sockets.ts'
import { isShared, type Lab, openLab } from './support/lab.ts'
import { printTable, type Row } from './support/results.ts'
import { measureTls } from './tls.ts'

const parts: Readonly<Record<string, (lab: Lab) => Promise<readonly Row[]>>> = {
  http: measureHttp,
  tls: measureTls,
  bodies: measureBodies,
  sockets: measureSockets,
  changes: measureChanges,
  rolling: measureRolling,
}
const mostMs = 60_000

const measure = async (name: string): Promise<readonly Row[]> => {
  const part = parts[name]
  if (!part) throw new Error(`there is no part called ${name}: ${Object.keys(parts).join(', ')}`)
  const lab = await openLab()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${name} took more than ${mostMs / 1000} s`)), mostMs)
  })
  try {
    return await Promise.race([part(lab), late])
  } finally {
    clearTimeout(timer)
    await lab.close()
  }
}

const words = process.argv.slice(2)
const isJson = words.join(' ').includes('-o json')
const named = words.filter((word) => word in parts || (word !== '-o' && word !== 'json'))
const rows: Row[] = []
if (isShared) console.error('this machine has one core: proxy, backend and load generator share it')
for (const name of named.length > 0 ? named : Object.keys(parts)) {
  const made = await measure(name)
  rows.push(...made)
  if (!isJson) printTable(made)
}
if (isJson) console.log(JSON.stringify(rows, undefined, 2))
