import t from 'tap'
import type { KubeObject } from '../../../src/api/types/index.ts'
import { createOwnWrites } from '../../../src/controller/own-writes.ts'

const version = (resourceVersion: string, uid = 'u', name = 'a'): KubeObject => ({
  ...{ apiVersion: 'v1', kind: 'X', metadata: { name, namespace: 'default', uid, resourceVersion } },
})

t.test('a copy older than what was written is not taken', async (t) => {
  const writes = createOwnWrites()
  t.equal(writes.isCurrent(version('1')), true, 'nothing was written')
  writes.wrote(version('10'))
  t.equal(writes.isCurrent(version('9')), false, 'by number, not by text')
  t.equal(writes.isCurrent(version('10')), true)
  t.equal(writes.isCurrent(version('11')), true)
  t.equal(writes.isCurrent(version('9', 'other')), true, 'another object of the same name')
  t.equal(writes.isCurrent(version('9', 'u', 'b')), true, 'another name')
  t.equal(writes.isCurrent(version('opaque')), true, 'what cannot be compared is not held back')
  writes.forget('default/a')
  t.equal(writes.isCurrent(version('9')), true)
})
