/** The options that say who may come into the API, and what each may do there. */
import { type Command, InvalidArgumentError } from 'commander'
import type { AuditSettings } from '../control/audit/log-file.ts'
import type { AuthenticationSettings } from '../control/auth/authenticators.ts'
import {
  type AuthorizationMode,
  type AuthorizationSettings,
  authorizationModes,
  defaultModes,
} from '../control/authorization/modes.ts'
import { countOption, durationOption } from './options.ts'
import { UsageError } from './usage-error.ts'

export interface AccessOptions {
  readonly tokenAuthFile?: string
  readonly basicAuthFile?: string
  readonly auditPolicyFile?: string
  readonly auditLogPath?: string
  readonly auditLogMaxsize: number
  readonly auditLogMaxbackup: number
  readonly auditLogMaxage: number
  readonly authorizationMode: readonly AuthorizationMode[]
  readonly authorizationPolicyFile?: string
  readonly authorizationWebhookConfigFile?: string
  readonly authorizationWebhookVersion: string
  readonly authorizationWebhookCacheAuthorizedTtl: number
  readonly authorizationWebhookCacheUnauthorizedTtl: number
}

const isMode = (text: string): text is AuthorizationMode => authorizationModes.some((mode) => mode === text)

const modesOption = (text: string): readonly AuthorizationMode[] => {
  const modes = text.split(',').map((each) => each.trim())
  const wrong = modes.find((mode) => !isMode(mode))
  if (wrong !== undefined) throw new InvalidArgumentError(`"${wrong}" is not one of ${authorizationModes.join(', ')}.`)
  if (new Set(modes).size < modes.length) throw new InvalidArgumentError('a mode is named twice.')
  return modes.filter(isMode)
}

export const accessOptions = (command: Command): Command =>
  command
    .option('--token-auth-file <file>', 'callers by bearer token: TOKEN,NAME,UID,"GROUP,GROUP" on each line')
    .option('--basic-auth-file <file>', 'callers by password: PASSWORD,NAME,UID,"GROUP,GROUP" on each line')
    .option(
      '--authorization-mode <modes>',
      `who is asked whether a request is allowed, in this order: ${authorizationModes.join(', ')}`,
      modesOption,
      defaultModes,
    )
    .option('--authorization-policy-file <file>', 'for ABAC: a policy in JSON on each line')
    .option('--authorization-webhook-config-file <file>', 'for Webhook: whom to ask, as a kubeconfig')
    .option('--authorization-webhook-version <version>', 'of the SubjectAccessReviews: v1 or v1beta1', 'v1beta1')
    .option('--authorization-webhook-cache-authorized-ttl <duration>', 'so long a yes holds', durationOption, 300)
    .option('--authorization-webhook-cache-unauthorized-ttl <duration>', 'so long a no holds', durationOption, 30)
    .option('--audit-policy-file <file>', 'which requests are written to the audit log, and how much of each')
    .option('--audit-log-path <file>', 'the audit log: an event in JSON on each line')
    .option(
      '--audit-log-maxsize <megabytes>',
      'it is set aside at this size',
      countOption('megabytes', 1, 1_000_000),
      100,
    )
    .option(
      '--audit-log-maxbackup <count>',
      'so many old ones are kept (0: all)',
      countOption('a count', 0, 1_000_000),
      10,
    )
    .option('--audit-log-maxage <days>', 'older ones go (0: none for its age)', countOption('days', 0, 100_000), 0)

export const authenticationSettings = ({ tokenAuthFile, basicAuthFile }: AccessOptions): AuthenticationSettings => ({
  ...(tokenAuthFile === undefined ? {} : { tokenFile: tokenAuthFile }),
  ...(basicAuthFile === undefined ? {} : { passwordFile: basicAuthFile }),
})

/** Throws UsageError. */
export const auditSettings = (options: AccessOptions): AuditSettings | undefined => {
  const { auditPolicyFile: policyFile, auditLogPath: path } = options
  if (policyFile === undefined && path === undefined) return undefined
  if (policyFile === undefined || path === undefined)
    throw new UsageError('--audit-policy-file and --audit-log-path belong together')
  const maxBytes = options.auditLogMaxsize * 1024 * 1024
  return { policyFile, path, maxBytes, maxBackups: options.auditLogMaxbackup, maxAgeDays: options.auditLogMaxage }
}

/** Each mode with what it needs, and nothing for a mode that is not there. Throws UsageError. */
export const authorizationSettings = (options: AccessOptions): Omit<AuthorizationSettings, 'configMapsOfNodes'> => {
  const { authorizationMode: modes, authorizationPolicyFile: policyFile } = options
  const { authorizationWebhookConfigFile: configFile, authorizationWebhookVersion: version } = options
  if (modes.includes('ABAC') !== (policyFile !== undefined))
    throw new UsageError('--authorization-mode ABAC and --authorization-policy-file belong together')
  if (modes.includes('Webhook') !== (configFile !== undefined))
    throw new UsageError('--authorization-mode Webhook and --authorization-webhook-config-file belong together')
  if (version !== 'v1' && version !== 'v1beta1')
    throw new UsageError(`--authorization-webhook-version ${version}: expected v1 or v1beta1`)
  const authorizedSeconds = options.authorizationWebhookCacheAuthorizedTtl
  const unauthorizedSeconds = options.authorizationWebhookCacheUnauthorizedTtl
  return {
    modes,
    ...(policyFile === undefined ? {} : { policyFile }),
    ...(configFile === undefined ? {} : { webhook: { configFile, version, authorizedSeconds, unauthorizedSeconds } }),
  }
}
