/** What `--log-forward` says. */
import { resolve } from 'node:path'
import type { LogForwardSettings } from '../agent/logs/forward/open-sinks.ts'
import { parseTarget, targetForms } from '../agent/logs/forward/target.ts'
import type { NodeOptions } from './agent.ts'
import { UsageError } from './usage-error.ts'

/** Throws `UsageError`; the message holds no password. */
export const logForwardSettings = (options: NodeOptions): LogForwardSettings => {
  const { logForward = [], logForwardCa: caFile, logForwardTokenFile: tokenFile } = options
  const targets = logForward.map((text) => {
    const target = parseTarget(text)
    if (!target) throw new UsageError(`--log-forward: expected ${targetForms}`)
    return target
  })
  const names = targets.map(({ name }) => name)
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined) throw new UsageError(`--log-forward: ${twice} is there twice`)
  const isTls = targets.some(
    (target) =>
      (target.kind === 'http' && target.url.protocol === 'https:') ||
      (target.kind === 'syslog' && target.way.protocol === 'tls'),
  )
  if (caFile !== undefined && !isTls) throw new UsageError('--log-forward-ca: no target has TLS')
  if (tokenFile !== undefined && !targets.some((target) => target.kind === 'http' && target.url.protocol === 'https:'))
    throw new UsageError('--log-forward-token-file: a token goes to HTTPS targets alone, and there is none')
  return {
    targets,
    ...(caFile === undefined ? {} : { caFile: resolve(caFile) }),
    ...(tokenFile === undefined ? {} : { tokenFile: resolve(tokenFile) }),
  }
}
