/** The image of the demo, made of what the machine has: its busybox, with a web server that tells who answers. */
import { chmod, copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CommandRunner, isCommandMissing } from '../host/command.ts'
import { onEveryNode } from './image-lab.ts'

const demoImage = 'podway-demo:1'
const commands = ['sh', 'httpd', 'printf']

/** What podway's own echo servers say, as a program of the web server (CGI). */
const answer = `#!/bin/sh
client=\${REMOTE_ADDR#[}
client=\${client#::ffff:}
printf 'Content-Type: application/json\\r\\n\\r\\n'
printf '{"pod":"%s","node":"%s","client":"%s"}\\n' "$POD_NAME" "$NODE_NAME" "\${client%]}"
`

/** Nothing that containers need is there: the demo does without them. The message says what would help. */
export class NoImages extends Error {
  override readonly name = 'NoImages'
}

/** Whether a program is there and does as it is asked. */
const works = async (runner: CommandRunner, file: string, ...args: readonly string[]): Promise<boolean> =>
  runner.run(file, args).then(
    () => true,
    () => false,
  )

/** The path of a busybox that needs no other file. Throws `NoImages`. */
const findBusybox = async (runner: CommandRunner): Promise<string> => {
  for (const file of ['/bin/busybox', '/usr/bin/busybox']) {
    if (!(await works(runner, file, 'true'))) continue
    // ldd fails for what is static.
    const isDynamic = await runner.run('ldd', [file]).then(
      (said) => !/statically|not a dynamic/.test(said),
      (error: unknown) => isCommandMissing(error),
    )
    if (!isDynamic) return file
  }
  throw new NoImages('it is made of a static busybox, and there is none here: install busybox-static')
}

const checkRuntime = async (runner: CommandRunner): Promise<void> => {
  const found = await Promise.all(['runc', 'crun'].map((name) => works(runner, name, '--version')))
  if (!found.includes(true)) throw new NoImages('no OCI runtime program is here: install runc (or crun)')
}

/** Readable for whoever the nodes' root is. */
const makeRoot = async (folder: string, busybox: string): Promise<void> => {
  for (const name of ['', 'bin', 'www', 'www/cgi-bin']) {
    await mkdir(join(folder, name), { recursive: true })
    await chmod(join(folder, name), 0o755)
  }
  await copyFile(busybox, join(folder, 'bin/busybox'))
  for (const name of commands) await symlink('busybox', join(folder, 'bin', name))
  await writeFile(join(folder, 'www/cgi-bin/who'), answer)
  for (const name of ['bin/busybox', 'www/cgi-bin/who']) await chmod(join(folder, name), 0o755)
}

/** Makes the image on every node of the lab, in a folder of the lab. Throws `NoImages` where no container of it could run. */
export const buildDemoImage = async (runner: CommandRunner, lab: string, labFolder: string): Promise<void> => {
  await checkRuntime(runner)
  const busybox = await findBusybox(runner)
  const folder = await mkdtemp(join(labFolder, 'image-'))
  try {
    await makeRoot(folder, busybox)
    const words = ['/bin/httpd', '-f', '-p', '8080', '-h', '/www'].map((word) => `--cmd=${word}`)
    await onEveryNode(lab, ['image', 'build-rootfs', folder, demoImage, ...words, '--env', 'PATH=/bin'])
  } finally {
    await rm(folder, { recursive: true })
  }
}
