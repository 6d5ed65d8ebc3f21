import t, { type Test } from 'tap'
import { openCri } from '../../../../../src/agent/runtime/cri/client.ts'
import { criCollection } from '../../../../../src/agent/runtime/cri/image-collection.ts'
import { createCriImages } from '../../../../../src/agent/runtime/cri/images.ts'
import { defaultPolicy } from '../../../../../src/images/collect/candidates.ts'
import { collectImages } from '../../../../../src/images/collect/collect.ts'
import { sandboxImage, startFakeCri } from '../../../../support/fake-cri.ts'

const open = async (t: Test) => {
  const fake = await startFakeCri(t)
  const { client } = await openCri(fake.socket)
  t.teardown(() => client.close())
  const images = createCriImages(client)
  const pull = async (name: string): Promise<string> => {
    fake.registry.set(name, { config: { Labels: { name } } })
    return (await images.pull(name, [], new AbortController().signal)).id
  }
  let now = 1_000_000
  const folders: string[] = []
  const from = criCollection({
    client,
    now: () => now,
    diskOf: async (folder) => {
      folders.push(folder)
      return { capacityBytes: 1_000, availableBytes: 0 }
    },
  })
  const collect = (policy = defaultPolicy) => collectImages(from, policy, () => now)
  const pass = (ms: number): void => {
    now += ms
  }
  return { fake, images, pull, collect, folders, pass }
}

t.test('images that no container uses go, whoever has made the containers', async (t) => {
  const { fake, pull, collect, folders, images, pass } = await open(t)
  const used = await pull('docker.io/library/used:1')
  const unused = await pull('docker.io/library/unused:1')
  const pinned = await pull('docker.io/library/pinned:1')
  const sandbox = await pull(sandboxImage)
  fake.pin(pinned)
  fake.runOther(used)
  t.same((await collect()).removed, [], 'what was seen just now stays')
  pass(3_600_000)
  const { removed, failures, wantedBytes, missingBytes } = await collect()
  t.same([removed, failures], [[unused], []])
  t.same([wantedBytes, missingBytes], [200, 158], 'what was removed is taken for gone, though it goes later')
  t.same((await images.list()).map(({ id }) => id).sort(), [used, pinned, sandbox].sort())
  t.equal(new Set(folders).size, 1)
  await t.rejects(images.remove(used), /is used by a container/)
  await images.remove(unused)
})

t.test('the longest unused goes first, for as long as there is too little room', async (t) => {
  const { fake, pull, collect, pass } = await open(t)
  const first = await pull('docker.io/library/first:1')
  await collect()
  pass(600_000)
  const second = await pull('docker.io/library/second:1')
  await collect({ ...defaultPolicy, minimumAgeMs: 3_600_000 })
  pass(600_000)
  const policy = { ...defaultPolicy, highThresholdPercent: 99, lowThresholdPercent: 96 }
  t.same((await collect(policy)).removed, [first], '40 bytes of 1000 were missing, and it had 42')
  pass(600_000)
  fake.fail('RemoveImage', 2, 'no way')
  const failed = await collect(policy)
  t.match(failed, { removed: [], missingBytes: 40 })
  t.match(failed.failures[0], new RegExp(`cannot remove the image ${second}: .*no way`))
})
