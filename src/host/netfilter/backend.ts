/** Which iptables the machine uses: the nft or the legacy rule store. */
import { type CommandRunner, isCommandMissing } from '../command.ts'
import type { NetfilterBackend } from './netfilter.ts'

export interface BackendChoice {
  readonly backend: NetfilterBackend
  /** True when both stores hold rules: packets then pass through both, and each tool sees only its own. */
  readonly mixed: boolean
}

const countRules = async (runner: CommandRunner, backend: NetfilterBackend): Promise<number | undefined> => {
  try {
    const saved = await runner.run(`iptables-${backend}-save`, [])
    return saved.split('\n').filter((line) => line.startsWith('-A ')).length
  } catch (error) {
    if (isCommandMissing(error)) return undefined
    // The tool is there but the kernel lacks its store: as good as not installed.
    return undefined
  }
}

/**
 * The store that already holds more rules, so that ours stand beside the others'; with none anywhere, what plain
 * `iptables` writes to. Throws when iptables is not installed.
 */
export const detectBackend = async (runner: CommandRunner): Promise<BackendChoice> => {
  const nft = await countRules(runner, 'nft')
  const legacy = await countRules(runner, 'legacy')
  if (nft === undefined && legacy === undefined)
    throw new Error('no iptables found: install the package iptables (1.8 or newer)')
  const mixed = (nft ?? 0) > 0 && (legacy ?? 0) > 0
  if (nft === undefined) return { backend: 'legacy', mixed }
  if (legacy === undefined) return { backend: 'nft', mixed }
  if (nft !== legacy) return { backend: nft > legacy ? 'nft' : 'legacy', mixed }
  const version = await runner.run('iptables', ['-V'])
  return { backend: version.includes('nf_tables') ? 'nft' : 'legacy', mixed }
}
