import t from 'tap'
import { createCollectionEvents } from '../../../../src/agent/node/collection-events.ts'
import { nodeReference } from '../../../../src/agent/node/node-events.ts'

const told = (...args: Parameters<ReturnType<typeof createCollectionEvents>>): readonly string[] => {
  const events: string[] = []
  const record = ({ name }: { readonly name: string }, type: string, reason: string, message: string): void =>
    void events.push(`${name} ${type} ${reason}: ${message}`)
  createCollectionEvents({ record }, nodeReference('node-a'))(...args)
  return events
}

t.test('a disk that stays too full', async (t) => {
  const why =
    'Failed to garbage collect required amount of images. Attempted to free 100 bytes, but only found 30 bytes eligible to free.'
  t.same(told('too full', { wantedBytes: 100, missingBytes: 70 }), [
    `node-a Warning FreeDiskSpaceFailed: ${why}`,
    `node-a Warning ImageGCFailed: ${why}`,
  ])
})

t.test('a collection that could not be made at all', async (t) => {
  t.same(told('cannot make room for images: EIO', { wantedBytes: 0, missingBytes: 0 }), [
    'node-a Warning ImageGCFailed: cannot make room for images: EIO',
  ])
})
