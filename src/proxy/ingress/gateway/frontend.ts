/** What clients of a Gateway's HTTPS listeners must show (`spec.tls.frontend`). What cannot be verified closes a listener. */
import type { Gateway, GatewayFrontendTls, GatewayListener } from '../../../api/types/index.ts'
import type { GatewayWorld, Problem } from './model.ts'
import { type Referred, referred } from './references.ts'

export interface FrontendClients {
  /** PEM, of all authorities that are trusted. */
  readonly ca: string
  readonly verify: 'required' | 'optional-any'
}

export interface Frontend {
  readonly clients: FrontendClients | undefined
  /** Of a reference. */
  readonly unresolved: Problem | undefined
  /** Why nobody may come in. */
  readonly refused: Problem | undefined
}

const open: Frontend = { clients: undefined, unresolved: undefined, refused: undefined }

const settingsOf = ({ spec }: Gateway, { protocol, port }: GatewayListener): GatewayFrontendTls | undefined => {
  const frontend = protocol === 'HTTPS' ? spec?.tls?.frontend : undefined
  return (frontend?.perPort ?? []).find((each) => each.port === port)?.tls ?? frontend?.default
}

const authority = (world: GatewayWorld, found: Referred): { readonly pem: string } | { readonly problem: Problem } => {
  if ('problem' in found) return found
  const pem = world.authority(found.key)
  if (pem !== undefined) return { pem }
  const message = `ConfigMap ${found.key} does not exist, or has no certificate in ca.crt`
  return { problem: { reason: 'InvalidCACertificateRef', message } }
}

const modes: Readonly<Record<string, FrontendClients['verify']>> = {
  AllowValidOnly: 'required',
  AllowInsecureFallback: 'optional-any',
}

export const frontendOf = (world: GatewayWorld, gateway: Gateway, listener: GatewayListener): Frontend => {
  const validation = settingsOf(gateway, listener)?.validation
  if (!validation) return open
  const { caCertificateRefs = [], mode = 'AllowValidOnly' } = validation
  const found = caCertificateRefs.map((ref) =>
    authority(
      world,
      referred(world, gateway.metadata.namespace ?? '', ref, { kind: 'ConfigMap', reason: 'InvalidCACertificateKind' }),
    ),
  )
  const unresolved = found.flatMap((each) => ('problem' in each ? [each.problem] : []))[0]
  const trusted = found.flatMap((each) => ('pem' in each ? [each.pem] : []))
  const verify = modes[mode]
  if (!verify) {
    const message = `clients cannot be verified by mode ${JSON.stringify(mode).slice(0, 100)}`
    return { clients: undefined, unresolved, refused: { reason: 'UnsupportedValue', message } }
  }
  if (trusted.length > 0) return { clients: { ca: trusted.join('\n'), verify }, unresolved, refused: undefined }
  const message = unresolved?.message ?? 'spec.tls.frontend names no authority'
  return { clients: undefined, unresolved, refused: { reason: 'NoValidCACertificate', message } }
}

/** Whether any listener of the Gateway lets clients in whose certificate is not good. */
export const hasInsecureFallback = (gateway: Gateway): boolean =>
  (gateway.spec?.listeners ?? []).some(
    (listener) => settingsOf(gateway, listener)?.validation?.mode === 'AllowInsecureFallback',
  )
