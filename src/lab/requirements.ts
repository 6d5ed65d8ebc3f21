/** Whether this machine lets us make a lab, and what a lab of this user cannot have. */
import { readFile } from 'node:fs/promises'
import { CommandError, createCommandRunner } from '../host/command.ts'

/** Kernel settings that forbid user namespaces, with the value that allows them. */
const switches = [
  ['kernel.unprivileged_userns_clone', '1'],
  ['user.max_user_namespaces', '10000'],
  ['kernel.apparmor_restrict_unprivileged_userns', '0'],
] as const

const currentSettings = async (): Promise<readonly string[]> => {
  const found: string[] = []
  for (const [key, good] of switches) {
    const value = await readFile(`/proc/sys/${key.replaceAll('.', '/')}`, 'utf8').catch(() => undefined)
    const blocks = value !== undefined && (good === '0' ? value.trim() !== '0' : value.trim() === '0')
    if (blocks) found.push(`sysctl -w ${key}=${good}`)
  }
  return found
}

/** Throws in one line what is missing and which sysctl allows it. `notes` are what a lab of this user does without. */
export const checkNamespaces = async (): Promise<{ readonly notes: readonly string[] }> => {
  const isRoot = process.getuid?.() === 0
  const user = isRoot ? [] : ['--user', '--map-root-user']
  try {
    await createCommandRunner().run('unshare', [...user, '--net', '--mount', '--pid', '--fork', 'true'])
  } catch (error) {
    const said = error instanceof CommandError ? error.stderr.trim().split('\n')[0] : String(error)
    const cures = await currentSettings()
    const cure = isRoot
      ? 'this environment forbids them even to root'
      : `allow them (${cures.join(', ') || 'sysctl -w user.max_user_namespaces=10000'}) or run as root`
    throw new Error(`a lab needs namespaces, and this machine gives none: ${said}; ${cure}`)
  }
  return { notes: isRoot ? [] : ['not root: pods of this lab run without memory, CPU and process limits (no cgroups)'] }
}
