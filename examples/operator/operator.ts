/** Keeps a Deployment and a Service of the same name for each Website. */
import {
  type Client,
  createCountedStatus,
  createEventRecorder,
  createInformer,
  createQueue,
  type Deployment,
  type Draft,
  deployments,
  errorText,
  type Informer,
  isConflict,
  isControlledBy,
  type KubeObject,
  type Logger,
  objectKey,
  type Resource,
  referenceTo,
  runQueue,
  services,
} from 'podway/controller'
import { deploymentOf, serviceOf, statusOf } from './wanted.ts'
import { type Website, websites } from './website.ts'

const fieldManager = 'website-operator'

/** Works until `signal` aborts. */
export const runOperator = async (client: Client, log: Logger, signal: AbortSignal): Promise<void> => {
  const onError = (error: unknown): void => log.warn({ err: error }, 'cannot watch; trying again')
  const sites = createInformer(client, websites, { onError })
  const deploymentCopies = createInformer(client, deployments, { onError })
  const serviceCopies = createInformer(client, services, { onError })
  const events = createEventRecorder({ client, log, component: fieldManager, host: '' })
  const status = createCountedStatus(client, websites)

  /**
   * What somebody else has made under that name stays theirs: fields are taken from others by force only in what is seen to be the
   * Website's own. While the copy does not show it yet, an object of others is a conflict.
   */
  const keep = async <T extends KubeObject>(
    website: Website,
    resource: Resource<T>,
    copies: Informer<T>,
    wanted: Draft<T>,
  ): Promise<void> => {
    const found = copies.get(objectKey(website))
    if (found && !isControlledBy(found, website))
      throw new Error(
        `${resource.kind} ${objectKey(found)} exists and is not made for this Website: rename either of them`,
      )
    await client.apply(resource, wanted, { fieldManager, force: found !== undefined })
  }

  const bringInLine = async (website: Website): Promise<string | undefined> => {
    try {
      await keep(website, deployments, deploymentCopies, deploymentOf(website))
      await keep(website, services, serviceCopies, serviceOf(website))
      return undefined
    } catch (error) {
      // Somebody was faster than the copy: the next look tells more.
      if (isConflict(error)) throw error
      return errorText(error)
    }
  }

  const deploymentSeen = (website: Website): Deployment | undefined => {
    const found = deploymentCopies.get(objectKey(website))
    return found && isControlledBy(found, website) ? found : undefined
  }

  const queue = createQueue({ log }, 'website', async (key) => {
    const website = sites.get(key)
    if (!website || website.metadata.deletionTimestamp) return 'done'
    const problem = await bringInLine(website)
    const observed = { deployment: deploymentSeen(website), problem }
    await status.write(website, statusOf(website, observed, `${new Date().toISOString().slice(0, 19)}Z`))
    if (problem === undefined) return 'done'
    events.record(referenceTo(website), 'Warning', 'FailedSync', problem)
    throw new Error(problem)
  })

  // All three have the same key.
  for (const copies of [sites, deploymentCopies, serviceCopies]) copies.onChange((key) => queue.add(key), signal)
  await runQueue(queue, [sites, deploymentCopies, serviceCopies], signal)
  await events.flush()
}
