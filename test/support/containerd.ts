/** The machine's containerd, one of our own: in a universe, with nothing of the machine's, and one image. */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { hash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import { type OpenedCri, openCri } from '../../src/agent/runtime/cri/client.ts'
import { busyboxLayer, noBusybox } from './busybox-root.ts'
import { configOf } from './image-store.ts'
import { isRealRoot } from './left-on-node.ts'
import { until } from './until.ts'

const run = promisify(execFile)

const has = (program: string): boolean => {
  try {
    execFileSync('sh', ['-c', 'command -v "$0"', program], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Why none can run here; undefined when one can. */
export const noContainerd = (): string | undefined => {
  const missing = ['containerd', 'ctr', 'runc'].find((program) => !has(program))
  if (missing !== undefined) return `${missing} is not installed`
  if (!readFileSync('/proc/filesystems', 'utf8').includes('\toverlay\n')) return 'this kernel has no overlayfs'
  if (!readFileSync('/proc/mounts', 'utf8').includes(' /sys/fs/cgroup')) return 'there are no control groups here'
  return noBusybox() ?? (isRealRoot ? undefined : 'needs root: containerd makes devices and control groups')
}

export const busybox = 'docker.io/library/busybox:1'
const pause = 'podway.test/pause:1'

/** As `docker save` writes it: one layer under two names, the second of which only waits. */
const writeArchive = (folder: string): string => {
  const layer = busyboxLayer()
  const names = [
    [busybox, { Cmd: ['sh'], Env: ['PATH=/bin', 'FROM_IMAGE=yes'] }],
    [pause, { Entrypoint: ['sleep', '1000000'], Env: ['PATH=/bin'] }],
  ] as const
  const content = join(folder, 'archive')
  mkdirSync(content)
  writeFileSync(join(content, 'layer.tar'), layer)
  const manifest = names.map(([name, config]) => {
    const bytes = configOf([layer], config)
    const file = `${hash('sha256', bytes)}.json`
    writeFileSync(join(content, file), bytes)
    return { Config: file, RepoTags: [name], Layers: ['layer.tar'] }
  })
  writeFileSync(join(content, 'manifest.json'), JSON.stringify(manifest))
  const archive = join(folder, 'images.tar')
  execFileSync('tar', ['-C', content, '-cf', archive, '.'])
  return archive
}

const unused = ['btrfs', 'devmapper', 'zfs', 'aufs'].map((name) => `"io.containerd.snapshotter.v1.${name}"`)

const settings = (folder: string, socket: string, cni: CniFolders): string => `
version = 2
root = "${folder}/root"
state = "${folder}/state"
disabled_plugins = [${unused.join(', ')}]
[grpc]
  address = "${socket}"
[ttrpc]
  address = "${socket}.ttrpc"
[plugins."io.containerd.internal.v1.opt"]
  path = "${folder}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pause}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  disable_hugetlb_controller = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${cni.bin}"
    conf_dir = "${cni.conf}"
`

export interface CniFolders {
  readonly bin: string
  readonly conf: string
}

export interface Containerd {
  readonly socket: string
  /** Once it answers. */
  start(): Promise<void>
  /** Ends it at once; its containers go on. */
  kill(): Promise<void>
  /** Stops it in the middle of whatever it does, and lets it go on. */
  hang(isHanging: boolean): void
  /** Its own client. */
  ctr(...words: readonly string[]): Promise<string>
  open(): Promise<OpenedCri>
}

/** A plugin that says of each pod that it has the same address. */
const fakePlugin = `#!/bin/sh
cat >/dev/null
[ "$CNI_COMMAND" != VERSION ] || { echo '{"cniVersion":"1.0.0","supportedVersions":["0.3.1","0.4.0","1.0.0"]}'; exit; }
[ "$CNI_COMMAND" = ADD ] || exit 0
echo '{"cniVersion":"0.4.0","interfaces":[{"name":"'$CNI_IFNAME'","sandbox":"'$CNI_NETNS'"}],"ips":[{"version":"4","interface":0,"address":"10.88.0.7/24"}]}'
`

/** A network without any: pods have an address, and no way. */
const fakeNetwork = (folder: string): CniFolders => {
  const cni = { bin: join(folder, 'cni-bin'), conf: join(folder, 'cni-conf') }
  for (const each of [cni.bin, cni.conf]) mkdirSync(each)
  for (const name of ['loopback', 'fake']) writeFileSync(join(cni.bin, name), fakePlugin, { mode: 0o755 })
  const list = { cniVersion: '0.4.0', name: 'fake', plugins: [{ type: 'fake' }] }
  writeFileSync(join(cni.conf, '10-fake.conflist'), JSON.stringify(list))
  return cni
}

/** runc leaves groups of v2 behind where the others are v1. containerd's log names all that it has made. */
const removeGroups = (log: string): void => {
  const ids = new Set(log.match(/\b[0-9a-f]{64}\b/g))
  for (const hierarchy of ['', ...readdirSync('/sys/fs/cgroup')])
    for (const id of ids) {
      const folder = join('/sys/fs/cgroup', hierarchy, 'k8s.io', id)
      // One that still has processes ends with the universe.
      if (existsSync(folder)) execFileSync('sh', ['-c', 'rmdir "$0" 2>/dev/null || true', folder])
    }
}

/** Started, with the image in it; all that it has held ends with the test. */
export const startContainerd = async (t: Test, cni?: CniFolders): Promise<Containerd> => {
  const folder = mkdtempSync(join(tmpdir(), 'podway-'))
  const socket = join(folder, 'containerd.sock')
  const config = join(folder, 'config.toml')
  writeFileSync(config, settings(folder, socket, cni ?? fakeNetwork(folder)))
  let child: ChildProcess | undefined
  const log = (): string => readFileSync(join(folder, 'log'), 'utf8').split('\n').slice(-5).join('\n')

  const ctr = async (...words: readonly string[]): Promise<string> =>
    (await run('ctr', ['--address', socket, '--namespace', 'k8s.io', ...words])).stdout

  const start = async (): Promise<void> => {
    const started = spawn('sh', ['-c', 'exec containerd --config "$0" >>"$1" 2>&1', config, join(folder, 'log')], {
      stdio: 'ignore',
    })
    child = started
    await until(async () => {
      if (started.exitCode !== null) throw new Error(`containerd has ended: ${log()}`)
      return openCri(socket, { timeoutMs: 500 }).then(
        ({ client }) => {
          client.close()
          return true
        },
        () => false,
      )
    }, 'containerd')
  }

  const kill = async (): Promise<void> => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  await start()
  await ctr('images', 'import', '--all-platforms', writeArchive(folder))
  t.teardown(async () => {
    const tasks = (await ctr('tasks', 'list', '--quiet')).split('\n').filter(Boolean)
    // One that goes at this very moment, or will not, ends with the universe.
    for (const id of tasks) await ctr('tasks', 'delete', '--force', id).catch(() => undefined)
    await kill()
    removeGroups(readFileSync(join(folder, 'log'), 'utf8'))
    // The shims end a moment later.
    await until(() => {
      rmSync(folder, { recursive: true, force: true })
      return true
    }, 'the end of all mounts')
  })
  return {
    ...{ socket, start, kill, ctr, open: () => openCri(socket) },
    hang: (isHanging) => void child?.kill(isHanging ? 'SIGSTOP' : 'SIGCONT'),
  }
}
