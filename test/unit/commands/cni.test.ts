import { lstat, mkdir, mkdtemp, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { bringLoopback, install, uninstall } from '../../../src/commands/cni-run.ts'
import { announceNetwork, networkFile, templateFile } from '../../../src/overlay/cni/announce.ts'

const folders = async (t: Test) => {
  const folder = await mkdtemp(join(tmpdir(), 'podway-cni-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const [binDir, confDir, state] = ['bin', 'conf', 'state'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  return { folder, binDir, confDir, state }
}

t.test('the loopback plugin is brought where there is none, and others are left alone', async (t) => {
  const { folder } = await folders(t)
  const file = join(folder, 'loopback')
  t.ok(await bringLoopback(folder))
  t.equal((await stat(file)).mode & 0o777, 0o755)
  t.ok(await bringLoopback(folder), 'ours is made anew')
  await writeFile(file, 'of somebody else')
  t.notOk(await bringLoopback(folder))
  t.equal(await readFile(file, 'utf8'), 'of somebody else')
})

t.test('runtimes see the network once the agent serves, and not after a reboot before it does', async (t) => {
  const { binDir, confDir, state } = await folders(t)
  const log = console.log
  console.log = () => undefined
  t.teardown(() => {
    console.log = log
  })
  await install({ state, name: 'podway', binDir, confDir })
  t.ok((await lstat(networkFile(confDir))).isSymbolicLink())
  await t.rejects(readFile(networkFile(confDir)), { code: 'ENOENT' }, 'no agent: it leads nowhere')
  await mkdir(state)
  t.ok(await announceNetwork({ confDir, stateDir: state }))
  t.match(JSON.parse(await readFile(networkFile(confDir), 'utf8')), { name: 'podway', plugins: [{ type: 'podway' }] })
  const before = await lstat(networkFile(confDir))
  await writeFile(templateFile(confDir), '{"name":"changed"}')
  await announceNetwork({ confDir, stateDir: state })
  t.not((await lstat(networkFile(confDir))).ino, before.ino, 'the folder has changed: runtimes look again')
  t.match(await readFile(networkFile(confDir), 'utf8'), /changed/)
  await rm(state, { recursive: true })
  await t.rejects(readFile(networkFile(confDir)), { code: 'ENOENT' }, 'as after a reboot')
  t.equal(await readlink(networkFile(confDir)), join(state, 'cni.conflist'))
  await uninstall({ binDir, confDir })
  for (const file of [networkFile(confDir), templateFile(confDir), join(binDir, 'podway'), join(binDir, 'loopback')])
    await t.rejects(lstat(file), { code: 'ENOENT' }, file)
})

t.test('without an installed network nothing is shown', async (t) => {
  const { folder } = await folders(t)
  t.notOk(await announceNetwork({ confDir: folder, stateDir: folder }))
})
