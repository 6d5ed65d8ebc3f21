/** `POST /podway/v1/join`: a new node, known by its token, gets its certificate. */
import { type KeyPair, signRequest, validFor } from '../../api/certificates.ts'
import { systemClock } from '../../api/clock.ts'
import { badRequest } from '../../api/errors.ts'
import { nodesGroup, nodeUserPrefix } from '../../api/users.ts'
import { checkSubdomain } from '../registry/names.ts'
import { type Handler, objectAnswer } from './call.ts'

const nodeDays = 365
/** A request for a certificate and a few addresses. */
const bodyLimit = 64 * 1024

interface JoinRequest {
  readonly nodeName: string
  readonly csr: string
  /** Where its agent will listen. */
  readonly addresses: readonly string[]
}

const isText = (value: unknown): value is string => typeof value === 'string'

const parse = (body: unknown): JoinRequest => {
  const { nodeName, csr, addresses } = (body ?? {}) as Readonly<Record<string, unknown>>
  if (!isText(nodeName) || !isText(csr) || !Array.isArray(addresses) || !addresses.every(isText))
    throw badRequest('join: expected nodeName, csr (PEM) and addresses')
  const wrong = checkSubdomain(nodeName)
  if (wrong !== undefined) throw badRequest(`join: nodeName ${JSON.stringify(nodeName)}: ${wrong}`)
  return { nodeName, csr, addresses }
}

export const joinHandler =
  (authority: KeyPair, now = systemClock.now): Handler =>
  async (call) => {
    const { nodeName, csr, addresses } = parse(await call.body(bodyLimit))
    const identity = {
      commonName: `${nodeUserPrefix}${nodeName}`,
      organizations: [nodesGroup],
      dnsNames: [nodeName],
      addresses,
    }
    try {
      return objectAnswer({ certificate: await signRequest(authority, csr, identity, validFor(nodeDays, now())) }, 201)
    } catch (error) {
      throw badRequest(`join: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
