/**
 * Programs that make volumes, called as Kubernetes calls FlexVolume drivers: `FOLDER/VENDOR~DRIVER/DRIVER init`, `mount PLACE JSON`,
 * `unmount PLACE`; each answers with JSON on its standard output. They are the node's own: who may write to the folder is root there.
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isJsonObject, type JsonObject } from '../../api/json.ts'
import { runBounded } from '../../host/bounded.ts'

/** Where kubelets look for drivers. */
export const flexFolder = '/usr/libexec/kubernetes/kubelet-plugins/volume/exec'

const timeoutMs = 120_000
const maxOutputBytes = 64 * 1024

export interface FlexAnswer {
  readonly status: string
  readonly message: string
  readonly capabilities: JsonObject
}

/** `vendor/driver`, or `driver`. */
const isDriver = (name: string): boolean =>
  /^([A-Za-z0-9][A-Za-z0-9._-]{0,127}\/)?[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(name)

export const parseFlexAnswer = (text: string): FlexAnswer | undefined => {
  try {
    const answer: unknown = JSON.parse(text)
    if (!isJsonObject(answer) || typeof answer['status'] !== 'string') return undefined
    const { status, message, capabilities } = answer
    return {
      status,
      message: typeof message === 'string' ? message : '',
      capabilities: isJsonObject(capabilities) ? capabilities : {},
    }
  } catch {
    return undefined
  }
}

/** Calls drivers in `folder`. */
export interface FlexDrivers {
  /** Throws an Error that names the driver, the call and what it said, when it does not succeed. */
  call(driver: string, words: readonly string[]): Promise<FlexAnswer>
}

export const createFlexDrivers = (folder: string): FlexDrivers => {
  const programOf = async (driver: string): Promise<string> => {
    const names = await readdir(folder).catch((): string[] => [])
    const at = driver.replace('/', '~')
    if (!isDriver(driver) || !names.includes(at))
      throw new Error(`this node has no flexVolume driver ${JSON.stringify(driver)} (looked for in ${folder})`)
    return join(folder, at, driver.slice(driver.indexOf('/') + 1))
  }
  return {
    call: async (driver, words) => {
      const program = await programOf(driver)
      // What it says on its standard error is for its own log.
      const { exitCode, output } = await runBounded('sh', ['-c', 'exec "$@" 2>/dev/null', 'sh', program, ...words], {
        ...{ timeoutMs, maxOutputBytes },
        env: { PATH: process.env['PATH'] ?? '' },
      })
      const failed = (why: string) => new Error(`flexVolume driver ${JSON.stringify(driver)}: ${words[0] ?? ''} ${why}`)
      if (exitCode === undefined) throw failed('took too long')
      const answer = parseFlexAnswer(output)
      if (!answer) throw failed(`gave no answer that is JSON with a status (exit code ${exitCode})`)
      if (answer.status === 'Success') return answer
      throw failed(
        answer.status === 'Not supported' ? 'is not supported' : `failed: ${answer.message || answer.status}`,
      )
    },
  }
}
