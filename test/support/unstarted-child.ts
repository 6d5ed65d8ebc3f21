/** Adds an image to a store on a machine whose programs cannot be started, for a test that has made it one; prints why that failed. */
import { createCommandRunner } from '../../src/host/command.ts'
import { readAbilities } from '../../src/images/layer/abilities.ts'
import { openImageStore } from '../../src/images/store/image-store.ts'
import { imageOf } from './image-store.ts'

const [folder = ''] = process.argv.slice(2)
const runner = createCommandRunner()
const onNotice = (message: string): void => console.error(message)
const store = await openImageStore({ folder, runner, abilities: await readAbilities(), onNotice })

await store.images.add(imageOf([[{ path: 'a' }]])).then(
  () => console.log('it was added'),
  ({ fault, message }: { readonly fault: unknown; readonly message: unknown }) => console.log(`${fault}: ${message}`),
)
await store.close()
