/** The root of a small image, made on the spot from the machine's busybox-static. */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const programs = ['/bin/busybox', '/usr/bin/busybox']
const folders = ['bin', 'dev', 'etc', 'home/app', 'proc', 'root', 'sys', 'usr/bin', 'var']

/** Why no root can be made here; undefined when one can. */
export const noBusybox = (): string | undefined => {
  const found = programs.find((file) => existsSync(file))
  if (!found) return 'busybox-static is not installed'
  // ldd fails for what is static.
  const said = execFileSync('sh', ['-c', `ldd ${found} 2>&1 || true`]).toString()
  return /not a dynamic|statically/.test(said) ? undefined : 'busybox is not a static one'
}

/** Fills `folder`, which is made: all of busybox's commands in /bin, and three users. */
export const makeBusyboxRoot = (folder: string): void => {
  const busybox = programs.find((file) => existsSync(file))
  if (!busybox) throw new Error('no busybox')
  for (const name of folders) mkdirSync(join(folder, name), { recursive: true })
  mkdirSync(join(folder, 'tmp'))
  chmodSync(join(folder, 'tmp'), 0o1777)
  copyFileSync(busybox, join(folder, 'bin/busybox'))
  chmodSync(join(folder, 'bin/busybox'), 0o755)
  const commands = execFileSync(busybox, ['--list']).toString().split('\n')
  for (const name of commands) if (name !== '' && name !== 'busybox') symlinkSync('busybox', join(folder, 'bin', name))
  const users = ['root:x:0:0:root:/root:/bin/sh', 'app:x:1000:1001:app:/home/app:/bin/sh', 'nobody:x:65534:65534::/:']
  writeFileSync(join(folder, 'etc/passwd'), `${users.join('\n')}\n`)
  writeFileSync(join(folder, 'etc/group'), 'root:x:0:\nwheel:x:10:root\napp:x:1001:\nextra:x:2000:app\n')
}

/** The same as an archive: the only layer of an image. */
export const busyboxLayer = (): Buffer => {
  const folder = mkdtempSync(join(tmpdir(), 'podway-root-'))
  try {
    makeBusyboxRoot(folder)
    return execFileSync('tar', ['-C', folder, '--numeric-owner', '-c', '.'], { maxBuffer: 64 << 20 })
  } finally {
    rmSync(folder, { recursive: true })
  }
}
