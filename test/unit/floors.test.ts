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
  images: ground,
  controller: ground,
  agent: [...ground, 'ipam', 'overlay', 'dns', 'proxy', 'images'],
  control: [...ground, 'ipam', 'proxy', 'controller'],
  lab: [...ground, 'ipam', 'agent', 'control'],
  commands: [...ground, 'ipam', 'overlay', 'dns', 'proxy', 'images', 'agent', 'control', 'lab'],
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
  for (const file of ours) t.match(file, /^proxy\/ingress\/(annotations|auth|gateway|http|lint|policy|routes)\//)
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

/** For each folder, the folders that its files import from. */
const folderImports = (): ReadonlyMap<string, ReadonlySet<string>> => {
  const found = new Map<string, Set<string>>()
  for (const file of globSync(`${root}/**/*.ts`)) {
    const from = relative(root, dirname(file))
    const targets = found.get(from) ?? new Set<string>()
    found.set(from, targets)
    for (const target of importsIn(file)) targets.add(relative(root, dirname(target)))
    targets.delete(from)
  }
  return found
}

/** All that can be reached from a folder, itself only where a way leads back. */
const reachable = (graph: ReadonlyMap<string, ReadonlySet<string>>, from: string): ReadonlySet<string> => {
  const seen = new Set<string>()
  const waiting = [...(graph.get(from) ?? [])]
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    if (seen.has(at)) continue
    seen.add(at)
    waiting.push(...(graph.get(at) ?? []))
  }
  return seen
}

t.test('folders do not import in circles', async (t) => {
  const graph = folderImports()
  t.ok(graph.size > 60, 'finds the folders')
  const reach = new Map([...graph.keys()].map((folder) => [folder, reachable(graph, folder)]))
  const circleOf = (folder: string): string =>
    [...(reach.get(folder) ?? [])]
      .filter((other) => reach.get(other)?.has(folder))
      .sort()
      .join(' ')
  const found = new Set([...graph.keys()].map(circleOf).filter((circle) => circle !== ''))
  t.same([...found], [], 'what two folders need lies below both')
})

t.test('a library is pinned exactly where parts of it are used that it does not promise', async (t) => {
  const manifest: { readonly dependencies: Readonly<Record<string, string>> } = JSON.parse(
    readFileSync(join(root, '../package.json'), 'utf8'),
  )
  const parts = globSync(`${root}/**/*.ts`).flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/from '((?:@[\w.-]+\/)?[a-z][\w.-]*)\/[^']+'/g)].map(
      ([, name]) => name ?? '',
    ),
  )
  t.ok(parts.includes('undici'))
  for (const name of new Set(parts)) t.match(manifest.dependencies[name], /^\d+\.\d+\.\d+$/, name)
})
