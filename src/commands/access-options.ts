/** The options that say who may come into the API, and what each may do there. */
import { type Command, InvalidArgumentError } from 'commander'
import type { AuditSettings } from '../control/audit/log-file.ts'
import type { AuthenticationSettings } from '../control/auth/authenticators.ts'
import type { OidcSettings } from '../control/auth/oidc.ts'
import {
  type AuthorizationMode,
  type AuthorizationSettings,
  authorizationModes,
  defaultModes,
} from '../control/authorization/modes.ts'
import { collect, countOption, durationOption, flagOption } from './options.ts'
import { UsageError } from './usage-error.ts'

export interface AccessOptions {
  readonly anonymousAuth: boolean
  readonly tokenAuthFile?: string
  readonly basicAuthFile?: string
  readonly authenticationTokenWebhookConfigFile?: string
  readonly authenticationTokenWebhookVersion: string
  readonly authenticationTokenWebhookCacheTtl: number
  readonly oidcIssuerUrl?: string
  readonly oidcClientId?: string
  readonly oidcCaFile?: string
  readonly oidcUsernameClaim: string
  readonly oidcUsernamePrefix?: string
  readonly oidcGroupsClaim?: string
  readonly oidcGroupsPrefix: string
  readonly oidcRequiredClaim?: readonly string[]
  readonly oidcSigningAlgs: string
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
    .optionsGroup('Who is who, and who may:')
    .option('--anonymous-auth <bool>', 'whether whoever shows nothing may ask what anybody may', flagOption, true)
    .option('--token-auth-file <file>', 'callers by bearer token: TOKEN,NAME,UID,"GROUP,GROUP" on each line')
    .option('--basic-auth-file <file>', 'callers by password: PASSWORD,NAME,UID,"GROUP,GROUP" on each line')
    .option('--authentication-token-webhook-config-file <file>', 'whom to ask for bearer tokens, as a kubeconfig')
    .option('--authentication-token-webhook-version <version>', 'of the TokenReviews: v1 or v1beta1', 'v1beta1')
    .option('--authentication-token-webhook-cache-ttl <duration>', 'so long an answer holds', durationOption, 120)
    .option('--oidc-issuer-url <url>', 'callers by ID tokens of this OpenID provider')
    .option('--oidc-client-id <id>', 'for whom their tokens must be')
    .option('--oidc-ca-file <file>', "the provider's authority (default: the system's)")
    .option('--oidc-username-claim <claim>', 'the claim that names the user', 'sub')
    .option('--oidc-username-prefix <prefix>', 'before it; - for none (default: the issuer and #, but for email)')
    .option('--oidc-groups-claim <claim>', "the claim that lists the user's groups")
    .option('--oidc-groups-prefix <prefix>', 'before each of them', '')
    .option('--oidc-required-claim <claim=value>', 'a claim that tokens must have; may be repeated', collect)
    .option('--oidc-signing-algs <algorithms>', 'how tokens may be signed, with commas', 'RS256')
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
    .optionsGroup('Who did what:')
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

const reviewVersion = (option: string, version: string): 'v1' | 'v1beta1' => {
  if (version !== 'v1' && version !== 'v1beta1') throw new UsageError(`${option} ${version}: expected v1 or v1beta1`)
  return version
}

const requiredClaims = (texts: readonly string[] = []): Readonly<Record<string, string>> =>
  Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=')
      if (at < 1) throw new UsageError(`--oidc-required-claim ${text}: expected CLAIM=VALUE`)
      return [text.slice(0, at), text.slice(at + 1)]
    }),
  )

const oidcSettings = (options: AccessOptions): OidcSettings | undefined => {
  const { oidcIssuerUrl: issuer, oidcClientId: clientId, oidcCaFile: caFile, oidcGroupsClaim: groupsClaim } = options
  if (issuer === undefined && clientId === undefined) return undefined
  if (issuer === undefined || clientId === undefined)
    throw new UsageError('--oidc-issuer-url and --oidc-client-id belong together')
  const prefix = options.oidcUsernamePrefix
  return {
    ...{ issuer, clientId, usernameClaim: options.oidcUsernameClaim, groupsPrefix: options.oidcGroupsPrefix },
    requiredClaims: requiredClaims(options.oidcRequiredClaim),
    algorithms: options.oidcSigningAlgs.split(','),
    ...(caFile === undefined ? {} : { caFile }),
    ...(groupsClaim === undefined ? {} : { groupsClaim }),
    ...(prefix === undefined ? {} : { usernamePrefix: prefix === '-' ? '' : prefix }),
  }
}

/** Throws UsageError. */
export const authenticationSettings = (options: AccessOptions): AuthenticationSettings => {
  const { tokenAuthFile: tokenFile, basicAuthFile: passwordFile } = options
  const oidc = oidcSettings(options)
  const { authenticationTokenWebhookConfigFile: configFile, authenticationTokenWebhookCacheTtl: cacheSeconds } = options
  const version = reviewVersion('--authentication-token-webhook-version', options.authenticationTokenWebhookVersion)
  return {
    allowsAnonymous: options.anonymousAuth,
    ...(tokenFile === undefined ? {} : { tokenFile }),
    ...(passwordFile === undefined ? {} : { passwordFile }),
    ...(oidc ? { oidc } : {}),
    ...(configFile === undefined ? {} : { webhook: { configFile, version, cacheSeconds } }),
  }
}

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
  const { authorizationWebhookConfigFile: configFile } = options
  const version = reviewVersion('--authorization-webhook-version', options.authorizationWebhookVersion)
  if (modes.includes('ABAC') !== (policyFile !== undefined))
    throw new UsageError('--authorization-mode ABAC and --authorization-policy-file belong together')
  if (modes.includes('Webhook') !== (configFile !== undefined))
    throw new UsageError('--authorization-mode Webhook and --authorization-webhook-config-file belong together')
  const authorizedSeconds = options.authorizationWebhookCacheAuthorizedTtl
  const unauthorizedSeconds = options.authorizationWebhookCacheUnauthorizedTtl
  return {
    modes,
    ...(policyFile === undefined ? {} : { policyFile }),
    ...(configFile === undefined ? {} : { webhook: { configFile, version, authorizedSeconds, unauthorizedSeconds } }),
  }
}
