/** Names of sandboxes and containers on a node, and their order. */
import type { ContainerRecord } from './containers.ts'

/** An instance's id: unique on the node, a file name, and put together from what no part of it can hold. */
export const containerId = (sandbox: string, name: string, attempt: number): string => `${sandbox}_${name}_${attempt}`

/** The sandbox a container's id belongs to. */
export const sandboxOf = (container: string): string => container.slice(0, container.indexOf('_'))

/** By name, then attempt. */
export const byNameAndAttempt = (a: ContainerRecord, b: ContainerRecord): number =>
  a.name === b.name ? a.attempt - b.attempt : a.name < b.name ? -1 : 1
