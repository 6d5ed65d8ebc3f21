/** `podway image …`, on this machine or on every node of a lab. */

import { closeSync, fstatSync, openSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { createCommandRunner } from '../host/command.ts'
import { counted } from '../host/counted.ts'
import { print, printError } from '../host/terminal.ts'
import { importImages } from '../images/archive/import.ts'
import { buildRootfs } from '../images/build/rootfs.ts'
import { layerAgeMs } from '../images/collect/store-collection.ts'
import { type ImageCredentials, noCredentials } from '../images/credentials.ts'
import { hexOf, shortId } from '../images/digest.ts'
import { hasFault } from '../images/image-error.ts'
import type { Image, ImageConfig, PullProgress } from '../images/images.ts'
import { readAbilities } from '../images/layer/abilities.ts'
import { openNodeImages } from '../images/node/open-images.ts'
import { formatReference, parseReference } from '../images/reference.ts'
import { credentialsOf, parseDockerConfig } from '../images/registry/docker-config.ts'
import { type OpenStore, openImageStore } from '../images/store/image-store.ts'
import type { BuildOptions, ImagePlace, ImportCommandOptions, PruneOptions, PullCommandOptions } from './image.ts'
import { onEveryNode } from './image-lab.ts'
import { checkOutput, printJson } from './output.ts'
import { createProgress } from './progress.ts'
import { stopSignal } from './stop-signal.ts'
import { renderTable } from './table.ts'
import { UsageError } from './usage-error.ts'

const folderOf = ({ data }: ImagePlace): string => {
  if (process.getuid?.() !== 0)
    throw new Error("images are the node's: run this as root, or with --lab on the nodes of your lab")
  return join(data, 'images')
}

const onNotice = (message: string): void => printError(`podway: ${message}`)

const openStore = async (place: ImagePlace): Promise<OpenStore> =>
  openImageStore({ folder: folderOf(place), runner: createCommandRunner(), abilities: await readAbilities(), onNotice })

const withStore = async <T>(place: ImagePlace, work: (store: OpenStore) => Promise<T>): Promise<T> => {
  const store = await openStore(place)
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}

const bytesText = (bytes: number): string => {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const at = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3))
  const value = bytes / 1000 ** at
  return `${at === 0 ? value : value.toPrecision(3)} ${units[at]}`
}

const calledOf = ({ id, names, digests }: Image): string =>
  names.length > 0 ? names.join(', ') : (digests[0] ?? shortId(id))

/** Says what was brought, by all nodes or by this one. */
const tell = (images: readonly Image[], where = ''): void => {
  for (const image of images) {
    print(`${where}${calledOf(image)}: ${shortId(image.id)}, ${bytesText(image.bytes)}`)
    for (const each of image.limitations) printError(`podway: ${where}${calledOf(image)}: ${each}`)
  }
}

const isImages = (printed: unknown): printed is readonly Image[] => Array.isArray(printed)

const inLab = async (
  { lab, output }: ImagePlace,
  words: readonly string[],
  told: string,
  input?: number,
): Promise<boolean> => {
  if (lab === undefined) return false
  const results = await createProgress().run(`${told} on the nodes of ${lab}`, () => onEveryNode(lab, words, input))
  if (output === 'json') printJson(results)
  else for (const { node, printed } of results) if (isImages(printed)) tell(printed, `${node}: `)
  return true
}

/** A file that was given as standard input is read where it lies. */
const standardInput = (): string | Readable => (fstatSync(0).isFile() ? '/proc/self/fd/0' : process.stdin)

export const importFile = async (file: string, options: ImportCommandOptions): Promise<void> => {
  checkOutput(options.output)
  const name = options.name === undefined ? [] : ['--name', options.name]
  if (options.lab !== undefined) {
    if (file === '-' && !fstatSync(0).isFile())
      throw new UsageError('--lab reads the archive once for each node: save it to a file first')
    const isFolder = file !== '-' && statSync(file).isDirectory()
    const input = file === '-' ? 0 : isFolder ? undefined : openSync(file, 'r')
    const words = ['image', 'import', isFolder ? resolve(file) : '-', ...name]
    await inLab(options, words, `importing ${file}`, input)
    if (input !== undefined && input !== 0) closeSync(input)
    return
  }
  const images = await withStore(options, (store) =>
    createProgress().run(`importing ${file}`, (step) =>
      importImages(store, file === '-' ? standardInput() : file, {
        onLayers: (done) => step.update(counted(done, 'layer')),
        ...(options.name === undefined ? {} : { name: options.name }),
      }),
    ),
  )
  if (options.output === 'json') printJson(images)
  else tell(images)
}

const percent = ({ doneBytes, totalBytes, layersDone, layers }: PullProgress): string => {
  const share = totalBytes === 0 ? 100 : Math.floor((doneBytes / totalBytes) * 10) * 10
  return `${share} % of ${bytesText(totalBytes)}, ${layersDone} of ${layers} layers`
}

const loginsIn = (file: string | undefined): ImageCredentials =>
  file === undefined ? noCredentials : credentialsOf(parseDockerConfig(readFileSync(file, 'utf8')))

export const pull = async (name: string, options: PullCommandOptions): Promise<void> => {
  checkOutput(options.output)
  const { registries, dockerConfig, plainHttp = false } = options
  const words = [
    ...(registries === undefined ? [] : ['--registries', resolve(registries)]),
    ...(dockerConfig === undefined ? [] : ['--docker-config', resolve(dockerConfig)]),
    ...(plainHttp ? ['--plain-http'] : []),
  ]
  if (await inLab(options, ['image', 'pull', name, ...words], `pulling ${name}`)) return
  const node = await openNodeImages({
    ...{ folder: folderOf(options), runner: createCommandRunner(), onNotice },
    ...(registries === undefined ? {} : { registriesFile: registries }),
    ...(plainHttp ? { plainHttp: [parseReference(name).registry] } : {}),
  })
  try {
    const credentials = loginsIn(dockerConfig)
    const signal = stopSignal()
    const image = await createProgress().run(`pulling ${name}`, (step) =>
      node.images.pull(name, { credentials, signal, onProgress: (progress) => step.update(percent(progress)) }),
    )
    if (options.output === 'json') printJson([image])
    else tell([image])
  } finally {
    await node.close()
  }
}

const pairs = (texts: readonly string[], option: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    texts.map((text) => {
      const equals = text.indexOf('=')
      if (equals < 1) throw new UsageError(`${option} ${text}: expected NAME=VALUE`)
      return [text.slice(0, equals), text.slice(equals + 1)]
    }),
  )

const configOf = (options: BuildOptions): Partial<ImageConfig> => {
  const {
    entrypoint = [],
    cmd = [],
    env = [],
    expose = [],
    label = [],
    user = '',
    workdir = '',
    stopSignal = '',
  } = options
  pairs(env, '--env')
  return {
    entrypoint,
    cmd,
    env,
    exposedPorts: expose,
    labels: pairs(label, '--label'),
    user,
    workingDir: workdir,
    stopSignal,
  }
}

const buildWords = (options: BuildOptions): readonly string[] => {
  const repeated = (option: string, values: readonly string[] = []) =>
    values.flatMap((value) => [`--${option}=${value}`])
  const { entrypoint, cmd, env, expose, label, user, workdir, stopSignal } = options
  return [
    ...repeated('entrypoint', entrypoint),
    ...repeated('cmd', cmd),
    ...repeated('env', env),
    ...repeated('expose', expose),
    ...repeated('label', label),
    ...repeated('user', user === undefined ? [] : [user]),
    ...repeated('workdir', workdir === undefined ? [] : [workdir]),
    ...repeated('stop-signal', stopSignal === undefined ? [] : [stopSignal]),
  ]
}

export const build = async (folder: string, name: string, options: BuildOptions): Promise<void> => {
  checkOutput(options.output)
  const config = configOf(options)
  const path = resolve(folder)
  if (await inLab(options, ['image', 'build-rootfs', path, name, ...buildWords(options)], `building ${name}`)) return
  const image = await withStore(options, (store) =>
    createProgress().run(`building ${name}`, () => buildRootfs(store, path, name, { config })),
  )
  if (options.output === 'json') printJson([image])
  else tell([image])
}

interface Listed extends Image {
  readonly usedBy: readonly string[]
}

const listed = async (store: OpenStore): Promise<readonly Listed[]> => {
  const [images, held] = await Promise.all([store.images.list(), store.roots.held()])
  return images
    .map((image) => ({
      ...image,
      usedBy: held.flatMap(({ image: id, user }) => (id === image.id ? [user] : [])).sort(),
    }))
    .sort((a, b) => (calledOf(a) < calledOf(b) ? -1 : 1))
}

const rowsOf = (images: readonly Listed[], node: readonly string[] = []): readonly (readonly string[])[] =>
  images.flatMap(({ id, names, digests, bytes, usedBy }) =>
    (names.length > 0 ? names : [digests[0] ?? '<none>']).map((name) => [
      ...node,
      ...[name, shortId(id), bytesText(bytes), usedBy.length === 0 ? '' : String(usedBy.length)],
    ]),
  )

const isListed = (printed: unknown): printed is readonly Listed[] => Array.isArray(printed)

export const list = async (options: ImagePlace): Promise<void> => {
  checkOutput(options.output)
  const header = ['NAME', 'ID', 'SIZE', 'CONTAINERS']
  if (options.lab !== undefined) {
    const results = await onEveryNode(options.lab, ['image', 'ls'])
    if (options.output === 'json') return printJson(results)
    const rows = results.flatMap(({ node, printed }) => (isListed(printed) ? rowsOf(printed, [node]) : []))
    return print(renderTable(['NODE', ...header], rows))
  }
  const images = await withStore(options, listed)
  if (options.output === 'json') return printJson(images)
  print(renderTable(header, rowsOf(images)))
}

const shortestId = 4

/** By name, by id, or by the beginning of an id that only one has. Throws when there is none. */
const findImage = async (store: OpenStore, text: string): Promise<Image> => {
  const hex = text.replace(/^sha256:/, '')
  if (/^[0-9a-f]+$/.test(hex) && hex.length >= shortestId) {
    const found = (await store.images.list()).filter(({ id }) => hexOf(id).startsWith(hex))
    if (found.length > 1) throw new Error(`${found.length} images have ids that begin with ${hex}: give more of it`)
    if (found[0]) return found[0]
  }
  const image = hex.length === 64 ? undefined : await store.images.find(text)
  if (!image) throw new Error(`there is no image ${text} here; podway image ls shows those that are`)
  return image
}

export const inspect = async (name: string, options: ImagePlace): Promise<void> => {
  checkOutput(options.output)
  if (options.lab !== undefined) return printJson(await onEveryNode(options.lab, ['image', 'inspect', name]))
  await withStore(options, async (store) => {
    const image = await findImage(store, name)
    const [found] = (await listed(store)).filter(({ id }) => id === image.id)
    printJson({ ...(found ?? image), layers: await store.roots.layersOf(image.id) })
  })
}

/** Undefined for an id. */
const fullName = (text: string): string | undefined => {
  try {
    return formatReference(parseReference(text))
  } catch (error) {
    if (hasFault(error, 'invalid name')) return undefined
    throw error
  }
}

export const remove = async (names: readonly string[], options: ImagePlace): Promise<void> => {
  checkOutput(options.output)
  if (await inLab(options, ['image', 'rm', ...names], `removing ${names.join(', ')}`)) return
  await withStore(options, async (store) => {
    const removed: string[] = []
    for (const name of names) {
      const image = await findImage(store, name)
      const called = image.names.find((each) => each === fullName(name))
      if (called === undefined) await store.images.remove(image.id)
      else await store.sweeper.untag(called)
      removed.push(name)
      if (options.output !== 'json') print(`removed ${name}`)
    }
    if (options.output === 'json') printJson({ removed })
  })
}

export const prune = async (options: PruneOptions): Promise<void> => {
  checkOutput(options.output)
  const all = options.all ? ['--all'] : []
  if (await inLab(options, ['image', 'prune', ...all], 'removing what is of no use')) return
  await withStore(options, async (store) => {
    const useless = (await listed(store)).filter(
      ({ names, usedBy }) => usedBy.length === 0 && (options.all || names.length === 0),
    )
    for (const { id } of useless) await store.images.remove(id)
    const swept = await store.sweeper.sweep(options.all ? 0 : layerAgeMs)
    const freed = swept + useless.reduce((sum, { bytes }) => sum + bytes, 0)
    const removed = useless.map(({ id }) => id)
    if (options.output === 'json') printJson({ removed, bytes: freed })
    else print(`removed ${counted(removed.length, 'image')}, ${bytesText(freed)}`)
  })
}
