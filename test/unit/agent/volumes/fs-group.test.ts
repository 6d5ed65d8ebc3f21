import { chmodSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { shareWithGroup } from '../../../../src/agent/volumes/fs-group.ts'
import type { Pod } from '../../../../src/api/types/index.ts'
import { makeDeepFolders } from '../../../support/deep-folders.ts'

/** A group that whoever runs this may give files to. */
const group = process.getuid?.() === 0 ? 4321 : (process.getgid?.() ?? 0)

const podOf = (securityContext: object): Pod => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' } },
  spec: { containers: [], securityContext },
})

const start = (t: Test) => {
  const top = mkdtempSync(join(tmpdir(), 'podway-group-'))
  t.teardown(() => rmSync(top, { recursive: true }))
  const folder = join(top, 'volume')
  mkdirSync(join(folder, 'deep'), { recursive: true })
  for (const name of ['volume/file', 'volume/deep/program', 'outside']) writeFileSync(join(top, name), '')
  chmodSync(folder, 0o700)
  chmodSync(join(folder, 'deep'), 0o700)
  chmodSync(join(folder, 'file'), 0o600)
  chmodSync(join(folder, 'deep/program'), 0o755)
  chmodSync(join(top, 'outside'), 0o600)
  symlinkSync('../../outside', join(folder, 'deep/link'))
  symlinkSync('..', join(folder, 'up'))
  const seen = (name: string) => {
    const { gid, mode } = lstatSync(join(top, name))
    return [gid === group, (mode & 0o7777).toString(8)]
  }
  return { folder, seen }
}

t.test('all files get the group, and what it needs; links lead nowhere', async (t) => {
  const { folder, seen } = start(t)
  const [, outside] = seen('outside')
  await shareWithGroup(folder, podOf({ fsGroup: group }), 'write')
  t.same(seen('volume'), [true, '2770'])
  t.same(seen('volume/deep'), [true, '2770'])
  t.same(seen('volume/file'), [true, '660'])
  t.same(seen('volume/deep/program'), [true, '775'])
  t.equal(seen('outside')[1], outside)
  if (process.getuid?.() === 0) t.equal(seen('outside')[0], false)
})

t.test('for who may only read', async (t) => {
  const { folder, seen } = start(t)
  await shareWithGroup(folder, podOf({ fsGroup: group }), 'read')
  t.same(seen('volume'), [true, '2750'])
  t.same(seen('volume/file'), [true, '640'])
})

t.test('OnRootMismatch looks at the folder itself alone; Always, and nothing, at all', async (t) => {
  const { folder, seen } = start(t)
  await shareWithGroup(folder, podOf({ fsGroup: group, fsGroupChangePolicy: 'OnRootMismatch' }), 'write')
  t.same(seen('volume/file'), [true, '660'], 'a mismatch')
  chmodSync(join(folder, 'file'), 0o600)
  await shareWithGroup(folder, podOf({ fsGroup: group, fsGroupChangePolicy: 'OnRootMismatch' }), 'write')
  t.same(seen('volume/file')[1], '600', 'none')
  await shareWithGroup(folder, podOf({}), 'write')
  t.same(seen('volume/file')[1], '600', 'no group')
  await shareWithGroup(folder, podOf({ fsGroup: group, fsGroupChangePolicy: 'Always' }), 'write')
  t.same(seen('volume/file')[1], '660')
})

t.test('folders without end are refused, before they take all that the agent may open', async (t) => {
  const folder = makeDeepFolders(t, 502)
  await t.rejects(shareWithGroup(folder, podOf({ fsGroup: group }), 'write'), {
    message: 'fsGroup: there are folders more than 500 deep: remove them',
  })
})
