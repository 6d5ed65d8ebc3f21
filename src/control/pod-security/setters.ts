/** Who sets something that may be set for the pod and for each container. Pure. */
import { at, distinct, named, type PodSecurityView } from './pod-view.ts'

export interface Setters {
  /** `pod and container "a"` */
  readonly text: string
  readonly values: readonly string[]
}

/** Those that set a value of the security context for which `isBad` holds; undefined when nobody does. */
export const badSetters = (
  { spec, containers }: PodSecurityView,
  path: readonly string[],
  isBad: (value: unknown) => boolean,
): Setters | undefined => {
  const ofPod = at(spec, 'securityContext', ...path)
  const bad = containers
    .map(({ name, container }) => ({ name, value: at(container, 'securityContext', ...path) }))
    .filter(({ value }) => isBad(value))
  const setters = [
    ...(isBad(ofPod) ? ['pod'] : []),
    ...(bad.length > 0
      ? [
          named(
            'container',
            bad.map(({ name }) => name),
          ),
        ]
      : []),
  ]
  if (setters.length === 0) return undefined
  const values = [...(isBad(ofPod) ? [ofPod] : []), ...bad.map(({ value }) => value)].map(String)
  return { text: setters.join(' and '), values: distinct(values) }
}
