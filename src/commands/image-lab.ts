/** The same command on every node of a lab. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { enterHost } from '../lab/enter.ts'
import { hostData } from '../lab/plan.ts'
import { sendOrder } from '../lab/rpc.ts'
import { runningLab } from './lab-common.ts'
import { pathWithPodway, podwayWords } from './self.ts'

export interface OnNode {
  readonly node: string
  /** What it printed as JSON. */
  readonly printed: unknown
}

/**
 * Runs `podway WORDS` with the data of the agent there, as JSON, on each node that is up. `input`: a descriptor that each of them
 * reads from its beginning. Throws with the node and what was said there, when one fails.
 */
export const onEveryNode = async (
  lab: string,
  words: readonly string[],
  input?: number,
): Promise<readonly OnNode[]> => {
  const { record, paths } = await runningLab(lab)
  const { hosts } = await sendOrder(paths.command, { do: 'status' })
  const nodes = hosts.filter(({ role, state }) => role === 'node' && state === 'up')
  const results: OnNode[] = []
  for (const { name: node } of nodes) {
    const [file, ...args] = await enterHost(record, paths, node)
    const child = spawn(file, [...args, ...podwayWords(), ...words, '--data', hostData, '-o', 'json'], {
      stdio: [input ?? 'ignore', 'pipe', 'pipe'],
      env: { ...process.env, PATH: pathWithPodway() },
    })
    const heard = [child.stdout, child.stderr].map((stream) => (stream ? text(stream) : ''))
    const [[code], printed = '', said = ''] = await Promise.all([once(child, 'close'), ...heard])
    if (code !== 0)
      throw new Error(
        `${node}: ${
          said
            .trim()
            .split('\n')
            .at(-1)
            ?.replace(/^podway: /, '') || `ended with ${code}`
        }`,
      )
    results.push({ node, printed: JSON.parse(printed) })
  }
  return results
}
