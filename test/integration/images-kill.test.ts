/** A process that changes the store, killed at any moment: what it leaves is whole. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { imageOf, leftIn, openTestStore, ownFolder } from '../support/image-store.ts'
import { rounds, seedOr } from '../support/rounds.ts'
import { createSeededRandom } from '../support/seeded-random.ts'

const kills = rounds(12, 200)
const random = createSeededRandom(seedOr(1))

t.test(`${kills} kills`, { timeout: 1_000_000 }, async (t) => {
  const folder = ownFolder()
  const { store: keeper } = await openTestStore(t, folder)
  const { image: kept } = await keeper.images.add(imageOf([[{ path: 'kept' }]], ['x.io/kept:1']))
  await keeper.roots.hold(kept.id, 'kept')
  for (let n = 0; n < kills; n++) {
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', 'test/support/images-child.ts', folder],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    const over = once(child, 'exit')
    await once(child.stdout, 'data')
    await pause(random.below(600))
    child.kill('SIGKILL')
    await over

    const { store, notices } = await openTestStore(t, folder)
    t.same(notices, [], 'nothing is damaged')
    t.same(leftIn(folder), [], 'nothing half-made is left')
    t.notOk(
      readdirSync(join(folder, 'images')).some((file) => !file.endsWith('.json')),
      'no removal is left half-way',
    )
    const images = await store.images.list()
    t.ok(
      images.some(({ id }) => id === kept.id),
      'what is held is there',
    )
    for (const { id } of images) {
      const { folder: layers, names } = await store.roots.layersOf(id)
      for (const name of names) t.ok(existsSync(join(layers, name)))
    }
    // Another process can go on at once: the lock went with the one that had it.
    for (const { image, user } of await store.roots.held())
      if (image !== kept.id) await store.roots.release(image, user)
    for (const { id } of images) if (id !== kept.id) await store.images.remove(id)
    await store.sweeper.sweep(0)
    await store.close()
    t.equal(readdirSync(join(folder, 'l')).length, 1, 'only the layer of what is held is left')
    t.equal(readdirSync(join(folder, 'names')).length, 1)
  }
})
