import t from 'tap'
import { chooseRuntime } from '../../../../src/agent/runtime/choose-runtime.ts'
import { pod } from '../pods/builders.ts'

const [process, oci, cri] = [{ name: 'process' }, { name: 'oci' }, { name: 'cri' }]
const ofImages = (...images: readonly string[]) =>
  pod({ containers: images.map((image, at) => ({ name: `c${at}`, image })) })

for (const { name, runtimes, images = ['nginx'], handler, chosen } of [
  { name: 'the default', runtimes: [oci, process], chosen: oci },
  { name: 'another default', runtimes: [process, oci], chosen: process },
  { name: "its class' handler", runtimes: [oci, process, cri], handler: 'cri', chosen: cri },
  { name: 'no image is needed', runtimes: [oci, process], images: ['podway/echo', ''], chosen: process },
  { name: 'one image is needed', runtimes: [oci, process], images: ['podway/echo', 'nginx'], chosen: oci },
  {
    name: 'no image is needed, and another class',
    runtimes: [process, oci],
    images: [''],
    handler: 'oci',
    chosen: oci,
  },
  { name: 'no processes on this node', runtimes: [cri], images: ['podway/echo'], chosen: cri },
])
  t.test(name, async (t) => t.equal(chooseRuntime(runtimes, ofImages(...images), handler), chosen))

t.test('handlers that are no names of runtimes are for the one that has its own', async (t) => {
  const open = { name: 'cri', hasHandlers: true }
  t.equal(chooseRuntime([open, oci, process], ofImages('nginx'), 'runsc'), open)
  t.equal(chooseRuntime([oci, open], ofImages(''), 'runsc'), open)
  t.equal(chooseRuntime([open, oci, process], ofImages('nginx'), 'oci'), oci)
})

t.test('nobody has the handler', async (t) => {
  t.throws(() => chooseRuntime([process, oci], ofImages('nginx'), 'runsc'), {
    name: 'NoRuntimeError',
    message: 'failed to get sandbox runtime: no runtime for "runsc" is configured on this node',
  })
})
