/** The tests of the suite, as its own sources have them. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseGo, type Source } from './go/parse.ts'
import type { Expression } from './go/tree.ts'

export interface SuiteTest {
  readonly name: string
  readonly features: readonly string[]
  readonly manifests: readonly string[]
  readonly steps: Steps
}

/** Where it is, or why its file could not be read. */
export type Steps = { readonly variable: string } | { readonly unread: string }

const fieldOf = (of: Expression | undefined, name: string): Expression | undefined =>
  of?.kind === 'literal' ? of.elements.find(({ key }) => key?.kind === 'name' && key.name === name)?.value : undefined

const elementsOf = (of: Expression | undefined): readonly Expression[] =>
  of?.kind === 'literal' ? of.elements.map(({ value }) => value) : []

const textOf = (of: Expression | undefined): string => (of?.kind === 'value' ? String(of.value) : '')

const testsIn = (source: Source): readonly SuiteTest[] =>
  source.declarations.flatMap(({ name: variable, value }) => {
    const name = textOf(fieldOf(value, 'ShortName'))
    if (name === '') return []
    const features = elementsOf(fieldOf(value, 'Features')).flatMap((each) =>
      each.kind === 'field' ? [each.name.replace(/^Support/, '')] : [],
    )
    const manifests = elementsOf(fieldOf(value, 'Manifests')).map(textOf)
    return [{ name, features, manifests, steps: { variable } }]
  })

const allOf = (text: string, pattern: RegExp): readonly string[] =>
  [...text.matchAll(pattern)].map(([, found = '']) => found)

/** What a file is about that does what is not read; its steps are ours then. */
const testsAbout = (text: string, unread: string): readonly SuiteTest[] =>
  allOf(text, /ShortName:\s*"([^"]*)"/g).map((name) => ({
    name,
    features: allOf(text, /\bfeatures\.Support(\w+)/g),
    manifests: allOf(text, /"(tests\/[^"]*\.yaml)"/g),
    steps: { unread },
  }))

export interface Suite {
  readonly tests: readonly SuiteTest[]
  /** All of the package: files use what others declare. */
  readonly everything: Source
  readonly constants: ReadonlyMap<string, unknown>
  /** Of a path below `conformance`. */
  manifest(path: string): string
}

const constant = /^\s*(?:const\s+)?(\w+)\s+(?:[\w.]+\s+)?=\s*"([^"]*)"/gm

/** Texts that Go's packages give names to. */
export const constantsIn = (folder: string): ReadonlyMap<string, unknown> => {
  const found = new Map<string, unknown>()
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true }))
    if (entry.isFile() && /(?<!_test)\.go$/.test(entry.name))
      for (const [, name = '', value] of readFileSync(join(entry.parentPath, entry.name), 'utf8').matchAll(constant))
        found.set(name, value)
  return found
}

/** `folder`: a work tree of kubernetes-sigs/gateway-api, or as much of it as `conformance` and `apis/v1`. */
export const readSuite = (folder: string): Suite => {
  const constants = new Map([
    ...constantsIn(join(folder, 'conformance/utils')),
    ...constantsIn(join(folder, 'apis/v1')),
  ])
  constants.set('ConditionTrue', 'True').set('ConditionFalse', 'False').set('ConditionUnknown', 'Unknown')
  constants.set('v1.GroupVersion', { Group: 'gateway.networking.k8s.io' })
  const tests: SuiteTest[] = []
  const declarations: Source['declarations'][number][] = []
  const own = join(folder, 'conformance/tests')
  for (const file of readdirSync(own).filter((each) => /^(?:gateway|httproute).*\.go$/.test(each))) {
    const text = readFileSync(join(own, file), 'utf8')
    try {
      const source = parseGo(text)
      declarations.push(...source.declarations)
      tests.push(...testsIn(source))
    } catch (error) {
      tests.push(...testsAbout(text, `${file}: ${error instanceof Error ? error.message : String(error)}`))
    }
  }
  return {
    tests,
    constants,
    everything: { declarations },
    manifest: (path) => readFileSync(join(folder, 'conformance', path), 'utf8'),
  }
}
