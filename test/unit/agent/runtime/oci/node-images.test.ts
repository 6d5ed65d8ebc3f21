import t from 'tap'
import { createNodeImages } from '../../../../../src/agent/runtime/oci/node-images.ts'
import { digestOfHex } from '../../../../../src/images/digest.ts'
import { ImageError } from '../../../../../src/images/image-error.ts'
import type { Image, PullOptions } from '../../../../../src/images/images.ts'
import type { RegistryLogin } from '../../../../../src/images/registry/docker-config.ts'

const id = digestOfHex('a'.repeat(64))
const stored: Image = {
  ...{ id, names: ['docker.io/library/web:1'], digests: [], bytes: 7, limitations: [] },
  config: {
    ...{ entrypoint: ['/web'], cmd: ['-v'], env: ['PATH=/bin', 'A=b=c', 'EMPTY='], user: 'www', workingDir: '/srv' },
    ...{ stopSignal: '', exposedPorts: [], volumes: [], labels: {} },
  },
}

let asked: PullOptions | undefined

const open = async () => ({
  images: {
    find: async (reference: string) => {
      if (reference === 'Bad') throw new ImageError('invalid name', 'no')
      return reference === 'web:1' ? stored : undefined
    },
    pull: async (reference: string, options: PullOptions = {}) => {
      if (reference === 'Bad') throw new ImageError('invalid name', 'no')
      asked = options
      return stored
    },
    list: async () => [stored],
    remove: async () => undefined,
  },
  roots: {
    layersOf: async () => ({ folder: '/l', names: ['x'], mountOptions: [] }),
    ...{ hold: async () => undefined, release: async () => undefined, held: async () => [] },
  },
})
const { images, roots } = createNodeImages(open)

t.test('an image as the pod side sees it', async (t) => {
  t.same(await images.find('web:1'), {
    ...{ id, digest: id, names: ['docker.io/library/web:1'], sizeBytes: 7, limitations: [] },
    config: {
      ...{ entrypoint: ['/web'], cmd: ['-v'], env: { PATH: '/bin', A: 'b=c', EMPTY: '' }, user: 'www' },
      workingDir: '/srv',
    },
  })
  t.equal(await images.find('none'), undefined)
  await t.rejects(images.find('Bad'), { name: 'InvalidImageName' })
})

t.test('only ids lead to roots', async (t) => {
  await t.rejects(roots.hold('../../etc', 'x'), /is no id of an image/)
  t.match(await roots.layersOf(id), { folder: '/l' })
})

t.test('logins are shown to the registries that they are for', async (t) => {
  const login = (registry: string, username: string): RegistryLogin => ({
    registry,
    credential: { kind: 'basic', username, password: 'p' },
  })
  const logins = [login('https://index.docker.io/v1/', 'hub'), login('registry.example', 'theirs')]
  const { signal } = new AbortController()
  t.match(await images.pull('web:1', logins, signal), { id, names: ['docker.io/library/web:1'] })
  t.equal(asked?.signal, signal)
  t.same(asked?.credentials?.for('docker.io/library/web'), [{ kind: 'basic', username: 'hub', password: 'p' }])
  t.same(asked?.credentials?.for('other.example/web'), [])
  await t.rejects(images.pull('Bad', [], signal), { name: 'InvalidImageName' })
})
