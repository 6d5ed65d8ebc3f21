/** What the images of every node must do, whoever keeps them. */
import type { Test } from 'tap'
import { type Images, InvalidImageName } from '../../src/agent/runtime/images.ts'
import { turns } from './until.ts'

export interface ContractImages {
  readonly images: Images
  /** `registry.example`, or host and port of one that there is. */
  readonly registry: string
  /** The registry has an image with this command under this reference from now on. */
  serve(reference: string, command: string): void
}

const never = new AbortController().signal

export const imagesContract = (t: Test, open: (t: Test) => Promise<ContractImages>): void => {
  const opened = async (t: Test) => {
    const { images, registry, serve } = await open(t)
    const pull = (name: string) => images.pull(`${registry}/${name}`, [], never)
    const find = (name: string) => images.find(`${registry}/${name}`)
    return { images, registry, pull, find, serve: (name: string, what: string) => serve(`${registry}/${name}`, what) }
  }

  t.test('what was pulled is here, by its name, its digest and its id', async (t) => {
    const { images, registry, pull, find, serve } = await opened(t)
    serve('app:1', 'one')
    t.equal(await find('app:1'), undefined)
    const image = await pull('app:1')
    t.match(image, { id: /^sha256:[0-9a-f]{64}$/, config: { cmd: ['one'] }, limitations: [] })
    t.ok(image.digest.startsWith(`${registry}/app@sha256:`), image.digest)
    t.ok(image.names.includes(`${registry}/app:1`) && image.names.includes(image.digest), 'all of its names are told')
    t.same(await find('app:1'), image)
    t.same(await images.find(image.digest), image)
    t.same(await images.find(image.id), image)
    t.match(await images.list(), [{ id: image.id, names: image.names }])
  })

  t.test('an image with two names is one image', async (t) => {
    const { images, registry, pull, find, serve } = await opened(t)
    for (const name of ['app:1', 'app:same']) serve(name, 'one')
    const [first, second] = [await pull('app:1'), await pull('app:same')]
    t.equal(first.id, second.id)
    for (const name of ['app:1', 'app:same']) t.ok(second.names.includes(`${registry}/${name}`), name)
    t.equal((await images.list()).length, 1)
    await images.remove(first.id)
    t.equal(await find('app:1'), undefined)
    t.equal(await find('app:same'), undefined)
  })

  t.test('a pull brings what the name stands for now, and the one before stays without it', async (t) => {
    const { images, registry, pull, find, serve } = await opened(t)
    serve('app:1', 'one')
    const before = await pull('app:1')
    serve('app:1', 'two')
    t.equal((await find('app:1'))?.id, before.id, 'until it is pulled')
    const now = await pull('app:1')
    t.match(now.config, { cmd: ['two'] })
    t.equal((await find('app:1'))?.id, now.id)
    t.notOk((await images.find(before.id))?.names.includes(`${registry}/app:1`))
    t.same((await images.list()).map(({ id }) => id).sort(), [before.id, now.id].sort())
  })

  t.test('what is removed is gone, and what is not here need not be', async (t) => {
    const { images, pull, find, serve } = await opened(t)
    serve('app:1', 'one')
    const { id } = await pull('app:1')
    await images.remove(id)
    await images.remove(id)
    t.equal(await find('app:1'), undefined)
    t.equal(await images.find(id), undefined)
    t.same(await images.list(), [])
    t.equal((await pull('app:1')).id, id, 'and comes back')
  })

  t.test('a name that is none is told as one', async (t) => {
    const { images } = await opened(t)
    for (const name of ['', 'app/UPPER', 'a b', 'a:', '../a', 'a@sha256:1', 'a\nb']) {
      await t.rejects(images.find(name), InvalidImageName, JSON.stringify(name))
      await t.rejects(images.pull(name, [], never), InvalidImageName, JSON.stringify(name))
    }
  })

  t.test('a pull that fails, or is not wanted any more, leaves nothing', async (t) => {
    const { images, registry, pull, serve } = await opened(t)
    await t.rejects(pull('none:1'), /none:1/)
    serve('app:1', 'one')
    await t.rejects(images.pull(`${registry}/app:1`, [], AbortSignal.abort()))
    await turns()
    t.same(await images.list(), [])
  })
}
