/** The old controller of an update by image gets a label by which its pods are not the new one's. */
import type { ReplicationController } from '../../api/types/kubernetes/core-v1.ts'
import { nextControllerAnnotation } from './annotations.ts'
import type { Controllers } from './controllers.ts'

/**
 * First the template, then the pods, then the selector: no pod is let go of on the way. The next controller's name is noted with
 * the first write; what is done already is not done again.
 */
export const tellApart = async (
  controllers: Controllers,
  old: ReplicationController,
  next: string,
  label: readonly [key: string, value: string],
): Promise<void> => {
  const { name, annotations } = old.metadata
  const [key] = label
  const labels = Object.fromEntries([label])
  const isChosen = old.spec.selector?.[key] !== undefined
  const hasLabel = isChosen || old.spec.template?.metadata?.labels?.[key] !== undefined
  if (annotations?.[nextControllerAnnotation] !== next || !hasLabel)
    await controllers.patch(name, {
      metadata: { annotations: { [nextControllerAnnotation]: next } },
      ...(hasLabel ? {} : { spec: { template: { metadata: { labels } } } }),
    })
  if (isChosen) return
  const current = await controllers.observed(name)
  const unlabelled = (await controllers.podsOf(current)).filter(
    ({ metadata }) => metadata.labels?.[key] !== labels[key],
  )
  for (const pod of unlabelled) await controllers.label(pod, labels)
  await controllers.patch(name, { spec: { selector: labels } })
}
