/** Pulls an image into a store, for tests that kill it meanwhile. */
import { createCommandRunner } from '../../src/host/command.ts'
import { openNodeImages } from '../../src/images/node/open-images.ts'

const [folder = '', reference = ''] = process.argv.slice(2)
const node = await openNodeImages({
  folder,
  runner: createCommandRunner(),
  onNotice: (message) => console.error(message),
})
await node.images.pull(reference)
await node.close()
