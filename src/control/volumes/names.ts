/** The annotations and finalizers by which binders, provisioners and schedulers of Kubernetes understand each other. */

/** Of a claim: it has been bound, and what is missing of its volume now is lost. */
export const bindCompleted = 'pv.kubernetes.io/bind-completed'
/** Of a claim or a volume: its reference to the other was written by the controller, which may take it back. */
export const boundByController = 'pv.kubernetes.io/bound-by-controller'
/** Of a volume: who made it, and deletes it. */
export const provisionedBy = 'pv.kubernetes.io/provisioned-by'
/** Of a claim: where the scheduler wants its volume. */
export const selectedNode = 'volume.kubernetes.io/selected-node'
/** Of a claim: who is to make its volume; older provisioners read the second. */
export const storageProvisioner = 'volume.kubernetes.io/storage-provisioner'
export const betaStorageProvisioner = 'volume.beta.kubernetes.io/storage-provisioner'

export const claimProtection = 'kubernetes.io/pvc-protection'
export const volumeProtection = 'kubernetes.io/pv-protection'

/** Classes of volumes that somebody makes by hand. */
export const noProvisioner = 'kubernetes.io/no-provisioner'
