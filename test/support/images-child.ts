/** Adds, names, holds, releases and removes images in a store, over and over, for tests that kill it meanwhile. */
import { createCommandRunner } from '../../src/host/command.ts'
import { readAbilities } from '../../src/images/layer/abilities.ts'
import { openImageStore } from '../../src/images/store/image-store.ts'
import { imageOf } from './image-store.ts'

const [folder = ''] = process.argv.slice(2)
const runner = createCommandRunner()
const onNotice = (message: string): void => console.error(message)
const store = await openImageStore({ folder, runner, abilities: await readAbilities(), onNotice })
process.stdout.write('begins\n')
const base = [{ path: 'base', content: 'b'.repeat(100_000) }]
for (let n = 0; ; n++) {
  const name = `x.io/a:${n % 3}`
  const { image } = await store.images.add(imageOf([base, [{ path: `f${n % 2}` }]], [name]))
  await store.roots.hold(image.id, 'pod')
  // It is held: that it stays is what is tried.
  await store.images.remove(image.id).catch(() => undefined)
  await store.roots.release(image.id, 'pod')
  await store.sweeper.untag(name)
}
