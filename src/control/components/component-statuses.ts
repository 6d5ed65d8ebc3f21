/** How the parts of the control plane are, under the names that Kubernetes has for them (`kubectl get componentstatuses`). */
import type { Clock } from '../../api/clock.ts'
import { errorText, notFound } from '../../api/errors.ts'
import type { Lease } from '../../api/types/index.ts'
import type { ComponentStatus } from '../../api/types/kubernetes/core-v1.ts'
import type { ComponentName } from '../controllers/names.ts'
import { componentStatus } from '../resources/core/component-status.ts'
import { defaultSchedulerName } from '../scheduler/config/configuration.ts'
import { inTime } from '../server/health.ts'
import type { Observer } from '../server/resources.ts'
import type { Store } from '../storage/store.ts'
import type { Loops } from './loops.ts'

/** The Lease under which controllers and the scheduler run; a real kube-scheduler in its place has its own. */
export const controllersLease = 'podway-controllers'

/** What it says when it is well. Rejects with the reason why it is not. */
type Check = () => Promise<string> | string

export interface ComponentsOptions {
  readonly store: Store
  readonly clock: Clock
  readonly loops: Loops
  /** What others do here. */
  readonly disabled: readonly ComponentName[]
}

/** Any server of the cluster can tell who leads; why a loop has failed, the one that runs it. */
const checksOf = ({ store, clock, loops, disabled }: ComponentsOptions): Readonly<Record<string, Check>> => {
  const checkLeader = (lease: string): void => {
    const found = store.get({ bucket: 'leases.coordination.k8s.io', name: `kube-system/${lease}` })
    const {
      holderIdentity = '',
      renewTime = '',
      leaseDurationSeconds = 0,
    } = (found?.object as Lease | undefined)?.spec ?? {}
    if (holderIdentity === '') throw new Error(`nobody holds the lease ${lease}`)
    // The holder's clock may differ from ours.
    if (clock.now() - Date.parse(renewTime) > 2_000 * leaseDurationSeconds)
      throw new Error(`${holderIdentity} has not renewed the lease ${lease} since ${renewTime}`)
  }
  const checkLoops = (lease: string, isMeant: (name: string) => boolean): string => {
    checkLeader(lease)
    const failed = [...loops.failures()].filter(([name]) => isMeant(name)).map(([name, why]) => `${name}: ${why}`)
    if (failed.length > 0) throw new Error(failed.join('; '))
    return 'ok'
  }
  const scheduler: ComponentName = 'kube-scheduler'
  const schedulerLease = disabled.includes(scheduler) ? scheduler : controllersLease
  return {
    scheduler: () => checkLoops(schedulerLease, (name) => name === defaultSchedulerName),
    'controller-manager': () => checkLoops(controllersLease, (name) => name !== defaultSchedulerName),
    // Monitoring knows the store by this name, whatever it is.
    'etcd-0': async () => {
      await inTime(() => store.fresh())
      return '{"health":"true"}'
    },
  }
}

const statusOf = async (name: string, check: Check): Promise<ComponentStatus> => {
  const told = (condition: { readonly status: string; readonly message?: string; readonly error?: string }) => ({
    ...{ apiVersion: 'v1', kind: 'ComponentStatus', metadata: { name } },
    conditions: [{ type: 'Healthy', ...condition }],
  })
  try {
    return told({ status: 'True', message: await check() })
  } catch (error) {
    return told({ status: 'False', error: errorText(error) })
  }
}

export const createComponentStatuses = (options: ComponentsOptions): Observer => {
  const checks = checksOf(options)
  return {
    list: () => Promise.all(Object.entries(checks).map(([name, check]) => statusOf(name, check))),
    get: async ({ name }) => {
      const check = Object.hasOwn(checks, name) ? checks[name] : undefined
      if (!check) throw notFound(componentStatus, name)
      return statusOf(name, check)
    },
  }
}
