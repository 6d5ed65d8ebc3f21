/** Follows a folder of manifests: a wrong file is told, keeps what it said before, and stops no other. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, formatTime, sleep } from '../../api/clock.ts'
import { errorText } from '../../api/errors.ts'
import { objectKey } from '../../api/resources.ts'
import type { Pod } from '../../api/types/index.ts'
import { counted } from '../../host/counted.ts'

/** Files that are mounted from elsewhere announce nothing. */
const lookMs = 1_000
/** One that is being written is not whole. */
const settleMs = 200
const maxBytes = 1 << 20

export interface ManifestFolder {
  readonly folder: string
  readonly nodeName: string
  readonly clock: Clock
  /** All pods of the folder, first of all those that are there at the start. */
  readonly onPods: (pods: readonly Pod[]) => void
  /** What is wrong with a file, and what to do about it. */
  readonly onProblem: (message: string) => void
}

type Texts = ReadonlyMap<string, string | Error>

const readText = async (file: string): Promise<string | Error | undefined> => {
  try {
    const found = await stat(file)
    if (!found.isFile()) return undefined
    if (found.size > maxBytes) return new Error(`it is larger than ${counted(maxBytes, 'byte')}`)
    return await readFile(file, 'utf8')
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT'
      ? undefined
      : new Error(errorText(error))
  }
}

/** Undefined while the folder cannot be read; without a folder there are no files. */
const readTexts = async (folder: string): Promise<Texts | Error> => {
  try {
    const names = (await readdir(folder)).filter((name) => !name.startsWith('.')).sort()
    const texts = new Map<string, string | Error>()
    for (const name of names) {
      const text = await readText(join(folder, name))
      if (text !== undefined) texts.set(name, text)
    }
    return texts
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT'
      ? new Map()
      : new Error(errorText(error))
  }
}

const isSame = (a: string | Error | undefined, b: string | Error | undefined): boolean =>
  a instanceof Error && b instanceof Error ? a.message === b.message : a === b

/** Resolves after the first look; looks on until `signal` aborts. */
export const followManifests = async (options: ManifestFolder, signal: AbortSignal): Promise<void> => {
  const { folder, nodeName, clock, onPods, onProblem } = options
  const known = new Map<string, { readonly text: string | Error; readonly pod: Pod | undefined }>()
  let failure = ''

  const podOf = async (name: string, text: string | Error, before: Pod | undefined): Promise<Pod | undefined> => {
    const file = join(folder, name)
    try {
      if (text instanceof Error) throw text
      const { staticPodOf } = await import('./manifest.ts')
      return staticPodOf(text, { file, nodeName, seen: formatTime(clock.now()) })
    } catch (error) {
      const now = before ? `its pod ${objectKey(before)} stays as it was` : 'no pod is started for it'
      onProblem(`invalid static pod manifest ${file}: ${errorText(error)}; ${now}: correct the file or remove it`)
      return before
    }
  }

  /** Two files of one pod: the first counts. */
  const tell = (): void => {
    const pods = new Map<string, Pod>()
    for (const [name, { pod }] of [...known].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (!pod) continue
      const key = objectKey(pod)
      if (pods.has(key))
        onProblem(
          `static pod manifest ${join(folder, name)} describes pod ${key} a second time: remove it or rename the pod`,
        )
      else pods.set(key, pod)
    }
    onPods([...pods.values()])
  }

  const take = async (texts: Texts): Promise<void> => {
    for (const name of [...known.keys()]) if (!texts.has(name)) known.delete(name)
    for (const [name, text] of texts) {
      const before = known.get(name)
      if (!before || !isSame(before.text, text)) known.set(name, { text, pod: await podOf(name, text, before?.pod) })
    }
    tell()
  }

  const isNews = (texts: Texts): boolean =>
    texts.size !== known.size || [...texts].some(([name, text]) => !isSame(known.get(name)?.text, text))

  const read = async (): Promise<Texts | undefined> => {
    const texts = await readTexts(folder)
    if (!(texts instanceof Error)) {
      failure = ''
      return texts
    }
    if (failure !== texts.message) onProblem(`cannot read the static pods of ${folder}: ${texts.message}`)
    failure = texts.message
    return undefined
  }

  const look = async (): Promise<void> => {
    const texts = await read()
    if (!texts || !isNews(texts)) return
    await sleep(settleMs, signal, clock)
    const again = signal.aborted ? undefined : await read()
    if (again && again.size === texts.size && [...again].every(([name, text]) => isSame(texts.get(name), text)))
      await take(again)
  }

  await take((await read()) ?? new Map())
  const follow = async (): Promise<void> => {
    while (!signal.aborted) {
      await sleep(lookMs, signal, clock)
      if (!signal.aborted) await look()
    }
  }
  follow().catch((error: unknown) =>
    onProblem(`static pods of ${folder} are not looked at any longer: ${errorText(error)}`),
  )
}
