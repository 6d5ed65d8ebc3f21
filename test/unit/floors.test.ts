/** Holds the architecture: a room may import the floors below it and nothing else of the project. */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import t from 'tap'

const ground = ['ip', 'api', 'host']
const mayImport: Readonly<Record<string, readonly string[]>> = {
  ip: [],
  api: ['ip'],
  host: ['ip'],
  ipam: ground,
  overlay: [...ground, 'ipam'],
  dns: [...ground, 'ipam'],
  proxy: [...ground, 'ipam'],
  agent: [...ground, 'ipam', 'overlay', 'dns', 'proxy'],
  control: [...ground, 'ipam', 'proxy'],
  lab: [...ground, 'ipam', 'agent', 'control'],
  commands: [...ground, 'ipam', 'overlay', 'dns', 'proxy', 'agent', 'control', 'lab'],
}

const root = join(import.meta.dirname, '../../src')
const roomOf = (file: string): string => relative(root, file).split('/')[0] ?? ''

const withoutTypes = (source: string): string => source.replace(/^(?:import|export) type [^']*'[^']*'/gm, '')

const importsIn = (file: string, prepare = (source: string): string => source): string[] =>
  [...prepare(readFileSync(file, 'utf8')).matchAll(/(?:from|import)\s*\(?\s*'(\.[^']*)'/g)].map((found) =>
    join(dirname(file), found[1] ?? ''),
  )

t.test('rooms import downwards only', async (t) => {
  const files = globSync(`${root}/*/**/*.ts`)
  t.ok(files.length > 20, 'finds the sources')
  for (const file of files) {
    const room = roomOf(file)
    const allowed = mayImport[room]
    t.ok(allowed, `${room} has a place in the house`)
    for (const target of importsIn(file)) {
      const other = roomOf(target)
      if (other !== room && !allowed?.includes(other))
        t.fail(`${relative(root, file)} imports ${relative(root, target)}: ${room} must not import ${other}`)
    }
  }
})

/** Everything that a file loads, itself included. Types are not loaded. */
const loadedBy = (file: string, found = new Set<string>()): ReadonlySet<string> => {
  if (found.has(file)) return found
  found.add(file)
  for (const target of importsIn(file, withoutTypes)) loadedBy(target, found)
  return found
}

t.test('of the proxy, the control plane loads what is pure', async (t) => {
  const loaded = [...loadedBy(join(root, 'control/control.ts'))].map((file) => relative(root, file))
  const ours = loaded.filter((file) => file.startsWith('proxy/'))
  t.ok(ours.length > 5, 'finds the Gateway API')
  for (const file of ours) t.match(file, /^proxy\/ingress\/(annotations|auth|gateway|http|lint|routes)\//)
})

t.test('execa is imported in one place', async (t) => {
  const users = globSync(`${root}/**/*.ts`).filter((file) => /from 'execa'/.test(readFileSync(file, 'utf8')))
  t.same(
    users.map((file) => relative(root, file)),
    ['host/command.ts'],
  )
})

t.test('addresses are read in one place', async (t) => {
  const own = /\b(?:isIP|isIPv4|isIPv6|BlockList|SocketAddress)\b[^;\n]*from 'node:net'|includes\(':'\)/
  const files = globSync(`${root}/**/*.ts`).filter((file) => own.test(readFileSync(file, 'utf8')))
  t.same(
    files.map((file) => relative(root, file)),
    ['ip/address.ts'],
  )
})
