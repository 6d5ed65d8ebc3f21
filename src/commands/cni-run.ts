import { existsSync } from 'node:fs'
import { chmod, mkdir, readFile, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { writeFileAtomic } from '../host/files.ts'
import { shellWord } from '../host/shell-word.ts'
import { print } from '../host/terminal.ts'
import { announceNetwork, linkNetwork, networkFile, templateFile } from '../overlay/cni/announce.ts'
import { cniCodes } from '../overlay/cni/error.ts'
import { versionOf } from '../overlay/cni/request.ts'
import { errorResult } from '../overlay/cni/result.ts'
import type { CniFolders, CniInstallOptions } from './cni.ts'
import { packageRoot } from './self.ts'
import { UsageError } from './usage-error.ts'

const socketIn = (state: string): string => join(state, 'cni.sock')

const handedOver = ['CNI_COMMAND', 'CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME', 'CNI_ARGS', 'CNI_PATH']

/** Hands one request to the agent, as the launcher does. */
export const plugin = async (state: string): Promise<void> => {
  const command = process.env['CNI_COMMAND']
  if (command === undefined)
    throw new UsageError('this is a plugin for container runtimes; see: podway cni install --help')
  const config = process.stdin.isTTY ? '' : await text(process.stdin)
  const socket = connect(process.env['PODWAY_CNI_SOCKET'] ?? socketIn(state))
  const pairs = handedOver.flatMap((name) =>
    process.env[name] === undefined ? [] : [`${name}=${process.env[name]}\0`],
  )
  try {
    socket.end(`${pairs.join('')}\0${config}`)
    const answer = await text(socket)
    const [, status, body = ''] = /^(\d+)\n([\s\S]*)$/.exec(answer) ?? []
    if (status === undefined) throw new Error('the Podway agent has hung up before it answered')
    process.stdout.write(body)
    process.exitCode = Number(status)
  } catch (error) {
    const code = command === 'STATUS' ? cniCodes.notAvailable : cniCodes.tryAgain
    const why = `the Podway agent does not answer at ${socketIn(state)}: ${error instanceof Error ? error.message : error}`
    process.stdout.write(`${JSON.stringify(errorResult(versionOf(config), code, why))}\n`)
    process.exitCode = 1
  }
}

const perl = '/usr/bin/perl'
const launcherFile = new URL('../overlay/cni/launcher.pl', import.meta.url)

/** Perl is there on nearly every Linux; where it is not, each request starts Node. */
const launcherFor = async (state: string): Promise<{ readonly text: string; readonly isQuick: boolean }> =>
  existsSync(perl)
    ? { text: (await readFile(launcherFile, 'utf8')).replace('@SOCKET@', socketIn(state)), isQuick: true }
    : {
        text: `#!/bin/sh\nexec ${shellWord(join(packageRoot, 'podway'))} cni --state ${shellWord(state)}\n`,
        isQuick: false,
      }

const launcherIn = (binDir: string): string => join(binDir, 'podway')

const network = (name: string): object => ({
  cniVersion: '1.0.0',
  cniVersions: ['0.4.0', '1.0.0', '1.1.0'],
  name,
  plugins: [{ type: 'podway', capabilities: { portMappings: true, bandwidth: true, ips: true, mac: true } }],
})

const loopbackIn = (binDir: string): string => join(binDir, 'loopback')
const loopbackFile = new URL('../overlay/cni/loopback.sh', import.meta.url)

/** Whether the plugin of this name is ours: others' are left alone. */
const isOurLoopback = async (file: string): Promise<boolean> =>
  (await readFile(file, 'utf8').catch(() => '')) === (await readFile(loopbackFile, 'utf8'))

/** containerd asks it for every pod, whatever the network. True when it had to be brought. */
export const bringLoopback = async (binDir: string): Promise<boolean> => {
  const file = loopbackIn(binDir)
  if (existsSync(file) && !(await isOurLoopback(file))) return false
  await writeFileAtomic(file, await readFile(loopbackFile, 'utf8'), 0o755)
  await chmod(file, 0o755)
  return true
}

/** Whether the agent can attach pods now, as it tells runtimes. */
const isServing = async (state: string): Promise<boolean> => {
  const socket = connect(socketIn(state))
  socket.end(`CNI_COMMAND=STATUS\0\0${JSON.stringify({ cniVersion: '1.1.0', name: 'podway', type: 'podway' })}`)
  return (await text(socket).catch(() => '')).startsWith('0\n')
}

export const install = async ({ state, name, binDir, confDir }: CniInstallOptions): Promise<void> => {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name)) throw new UsageError(`--name ${name}: letters, digits, ". _ -" only`)
  if (/['\\$@]/.test(state)) throw new UsageError(`--state ${state}: no quotes, "\\", "$" or "@"`)
  await mkdir(binDir, { recursive: true })
  await mkdir(confDir, { recursive: true })
  const { text: launcher, isQuick } = await launcherFor(state)
  await writeFileAtomic(launcherIn(binDir), launcher, 0o755)
  await chmod(launcherIn(binDir), 0o755)
  const hasBrought = await bringLoopback(binDir)
  await writeFileAtomic(templateFile(confDir), `${JSON.stringify(network(name), undefined, 2)}\n`, 0o644)
  const place = { confDir, stateDir: state }
  const isAnnounced = await isServing(state)
  await (isAnnounced ? announceNetwork(place) : linkNetwork(place))
  print([launcherIn(binDir), templateFile(confDir), networkFile(confDir)].join('\n'))
  if (hasBrought) print(`${loopbackIn(binDir)}: there was none, and containerd asks it for every pod`)
  if (!isAnnounced) print(`${networkFile(confDir)} leads nowhere until the agent serves pods`)
  if (!isQuick) print(`there is no ${perl}: each request starts Node, which takes some 100 ms`)
}

export const uninstall = async ({ binDir, confDir }: CniFolders): Promise<void> => {
  for (const file of [launcherIn(binDir), networkFile(confDir), templateFile(confDir)]) await rm(file, { force: true })
  if (await isOurLoopback(loopbackIn(binDir))) await rm(loopbackIn(binDir))
}
