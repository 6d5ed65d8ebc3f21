import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { missingHere } from '../../../src/commands/cni-run.ts'

t.test('cni install names the plugin that containerd needs besides', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'podway-cni-'))
  t.teardown(() => rm(folder, { recursive: true }))
  t.match(missingHere(folder), [/loopback, which containerd needs.*containernetworking-plugins/])
  await writeFile(join(folder, 'loopback'), '')
  t.same(missingHere(folder), [])
})
