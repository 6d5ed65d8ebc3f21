/** An agent's runtime of images in a process of its own, to be killed: starts sleepers in a pod, tells of them, and waits. */
import { join } from 'node:path'
import { openCgroups } from '../../src/host/cgroup.ts'
import { busyboxStore, testOciRuntime } from './oci-runtime.ts'
import { containerSpec, sandboxSpec } from './runtime-contract.ts'

const [folder = '', parent = '', ...names] = process.argv.slice(2)
const { images, id } = await busyboxStore(join(folder, 'images'))
const runtime = await testOciRuntime(folder, '', {
  ...{ roots: images.roots, cgroups: parent === '' ? undefined : await openCgroups({ parent }) },
})
const image = { id, digest: id, name: 'busybox:1' }
process.stdout.write('begins\n')
await runtime.sandboxes.start(sandboxSpec('a'))
for (const name of names)
  await runtime.containers.start('a', containerSpec(folder, name, ['sleep', '47130'], { image, env: { PATH: '/bin' } }))
process.stdout.write(`${JSON.stringify(await runtime.sandboxes.list())}\n`)
await runtime.run(new AbortController().signal)
