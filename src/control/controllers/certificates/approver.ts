/** Approves or denies what nodes ask for; everything else waits for `kubectl certificate approve`. */

import { readSigningRequest } from '../../../api/certificates.ts'
import { errorText } from '../../../api/errors.ts'
import { certificateSigningRequests, leases, nodes, services } from '../../../api/resources.ts'
import type { CertificateSigningRequest } from '../../../api/types/index.ts'
import type { Outcome } from '../../../api/work-queue.ts'
import { createQueue } from '../../../controller/queue.ts'
import { createLeaseWatch } from '../../admission/lease-watch.ts'
import type { CreateController } from '../controller.ts'
import { type Decision, decideRequest } from './approval.ts'
import { decided, hasCondition } from './conditions.ts'
import { isKnownSigner } from './signer-rules.ts'

const name = 'csr-approving-controller'

export const createCsrApprover: CreateController = (context) => {
  const { client, informers, clock, log, settings } = context
  const copies = informers.of(certificateSigningRequests)
  const serviceCopies = informers.of(services)
  const leaseCopies = informers.of(leases)
  const leaseWatch = createLeaseWatch(clock)

  const decide = async (request: CertificateSigningRequest): Promise<Decision> => {
    const csr = Buffer.from(request.spec.request, 'base64').toString('utf8')
    try {
      const identity = await readSigningRequest(csr)
      // Asked anew: a node may have registered a moment ago.
      const { items } = await client.list(nodes)
      return decideRequest(request, identity, settings.certificates, {
        liveHolder: (nodeName) => leaseWatch.liveHolder(leaseCopies.get(`kube-node-lease/${nodeName}`)),
        nodes: () => items,
        hasService: (key) => serviceCopies.get(key) !== undefined,
      })
    } catch (error) {
      return { type: 'Denied', reason: 'SignerValidationFailure', message: errorText(error) }
    }
  }

  const reconcile = async (key: string): Promise<Outcome> => {
    const request = copies.get(key)
    if (!request || !isKnownSigner(request.spec.signerName)) return 'done'
    if (hasCondition(request, 'Approved') || hasCondition(request, 'Denied')) return 'done'
    const decision = await decide(request)
    if (!decision) return 'done'
    if (decision.type === 'Denied') {
      const { username, signerName } = request.spec
      log.warn({ csr: key, username, signerName, reason: decision.message }, 'denied a certificate')
    }
    const status = { ...request.status, conditions: decided(request, decision, clock.now()) }
    await client.update(certificateSigningRequests, { ...request, status }, 'approval')
    return 'done'
  }

  const queue = createQueue(context, name, reconcile)

  return {
    name,
    run: (signal) => {
      leaseCopies.onChange((_key, lease) => {
        if (lease) leaseWatch.see(lease)
      })
      copies.onChange((key) => queue.add(key))
      return queue.run(signal)
    },
  }
}
