/** Runs the steps with one kubectl against one API server, and writes down what it said in a form that is the same each time. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { type Step, steps } from './steps.ts'

export interface Said {
  readonly words: string
  readonly code: number
  readonly lines: readonly string[]
}

/** What is different each time, and how long ago it was. */
const settled: readonly (readonly [RegExp, string])[] = [
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
  [/\x1b\[[\d;]*m/g, ''],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, 'UID'],
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z\b/g, 'TIME'],
  [/\b\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}/g, 'TIME'],
  [/(resourceVersion"?: ?)"?\d+"?/g, '$1VERSION'],
  [/\b10\.96\.\d+\.\d+\b/g, 'CLUSTER-IP'],
  [/\b\d+m?s\b/g, 'AGE'],
  [/\bhttps:\/\/[^ ]*:\d+\b/g, 'SERVER'],
  [/\/tmp\/\S+/g, 'FILE'],
  [/\beyJ[\w.-]+/g, 'TOKEN'],
  [/\bkubectl\/v[\w.-]+/g, 'kubectl/VERSION'],
  // A kubectl that is chosen by the server's version is another one for ours.
  [/^error: unknown flag/g, 'Error: unknown flag'],
  [/(many-open.* 80:)\d+\/TCP/g, '$1NODE-PORT/TCP'],
  [/\bnode-debugger-golden-node-\w{5}\b/g, 'node-debugger'],
  [/\b127\.0\.0\.1:\d+|\[::1\]:\d+/g, 'HERE'],
  [/^(---|\+\+\+) .*/g, '$1'],
  [/ +$/g, ''],
]

const settle = (line: string): string =>
  settled.reduce((text, [pattern, word]) => text.replaceAll(pattern, word), line).replaceAll(/ {2,}/g, '  ')

/** Warnings depend on the versions of both. */
const isNoise = (line: string): boolean => /^(Warning: |I\d{4} |W\d{4} |E\d{4} )/.test(line) || line === ''

/** Tells of who writes which fields depend on the client's name alone. */
const withoutManagers = (lines: readonly string[]): readonly string[] => {
  const from = lines.findIndex((line) => /^ *"?managedFields"?:/.test(line))
  if (from < 0) return lines
  const depth = lines[from]?.search(/\S/) ?? 0
  const to = lines.findIndex((line, at) => at > from && line.search(/\S/) <= depth && !/^\s*[-\]]/.test(line))
  return [...lines.slice(0, from), ...(to < 0 ? [] : lines.slice(to))]
}

const deadlineMs = 30_000

/** Where it is said, and as whom. */
interface Place {
  readonly kubectl: string
  readonly kubeconfig: string
  readonly folder: string
}

const writeFiles = async (folder: string, files: Readonly<Record<string, string>>): Promise<void> => {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
}

const runStep = async ({ kubectl, kubeconfig, folder }: Place, step: Step): Promise<Said> => {
  const { words, input, files = {}, env } = step
  await writeFiles(folder, files)
  const places = ['--kubeconfig', kubeconfig, '--cache-dir', join(folder, 'cache'), '--namespace', 'golden']
  const child = spawn(kubectl, [...places, ...words.split(' ')], {
    ...{ cwd: folder, timeout: deadlineMs },
    env: { ...process.env, KUBECTL_EXTERNAL_DIFF: 'diff -u', ...env },
  })
  const text: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => text.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => text.push(chunk))
  child.stdin.on('error', () => undefined).end(input ?? '')
  const [code] = await once(child, 'close')
  const lines = withoutManagers(Buffer.concat(text).toString('utf8').split('\n'))
  return { words, code: code ?? -1, lines: lines.map(settle).filter((line) => !isNoise(line)) }
}

/** Takes a namespace `golden` and some cluster-wide names that begin with it. */
export const runSteps = async (kubectl: string, kubeconfig: string): Promise<readonly Said[]> => {
  const folder = await mkdtemp(join(tmpdir(), 'podway-kubectl-'))
  const place = { kubectl: kubectl.includes('/') ? resolve(kubectl) : kubectl, kubeconfig: resolve(kubeconfig), folder }
  try {
    const all: Said[] = []
    for (const step of steps) all.push(await runStep(place, step))
    return all
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** `1.20` of whatever kubectl that is. Throws when it does not say. */
export const minorOf = async (kubectl: string): Promise<string> => {
  const child = spawn(kubectl, ['version', '--client', '-o', 'json'])
  const text: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => text.push(chunk))
  await once(child, 'close')
  const { clientVersion } = JSON.parse(Buffer.concat(text).toString('utf8')) as {
    readonly clientVersion: { readonly gitVersion: string }
  }
  const found = /^v(\d+\.\d+)\./.exec(clientVersion.gitVersion)?.[1]
  if (found === undefined) throw new Error(`${kubectl} calls itself ${clientVersion.gitVersion}`)
  return found
}
