/** The `podway` script finds a Node that is new enough, wherever it stands, in a pod as outside. */
import { execFile } from 'node:child_process'
import { chmod, copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { containerDefaults } from '../../src/agent/env/defaults.ts'

const run = promisify(execFile)
const script = join(import.meta.dirname, '../../podway')

t.test('of several on the PATH, the first that is new enough', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'podway-launcher-'))
  t.teardown(() => rm(root, { recursive: true }))
  for (const folder of ['dist', 'old', 'new', 'tools']) await mkdir(join(root, folder))
  // And no node of the machine's.
  for (const tool of ['dirname', 'readlink', 'find']) await symlink(`/usr/bin/${tool}`, join(root, 'tools', tool))
  await copyFile(script, join(root, 'podway'))
  await writeFile(join(root, 'dist/main.js'), 'console.log(process.argv.slice(2).join(" "))')
  await writeFile(join(root, 'old/node'), '#!/bin/sh\nexit 1\n')
  await chmod(join(root, 'old/node'), 0o755)
  await symlink(process.execPath, join(root, 'new/node'))
  const launch = (...folders: readonly string[]) => {
    const PATH = [...folders, 'tools'].map((folder) => join(root, folder)).join(':')
    return run(join(root, 'podway'), ['a', 'b'], { env: { PATH } })
  }
  t.equal((await launch('old', 'new')).stdout, 'a b\n')
  t.equal((await launch('new', 'old')).stdout, 'a b\n')
  await t.rejects(launch('old'), { code: 1, stderr: /needs Node 24 or newer/ })
})

t.test('containers find the Node that runs us, after all that is their own', async (t) => {
  const folders = containerDefaults('/opt/podway')['PATH']?.split(':')
  t.equal(folders?.[0], '/opt/podway')
  t.equal(folders?.at(-1), dirname(process.execPath))
})
