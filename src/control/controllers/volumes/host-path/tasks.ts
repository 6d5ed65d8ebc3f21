/** What is done on a node for a volume: a short-lived pod makes its folder, or removes it with all that is in it. Pure. */
import { createHash } from 'node:crypto'
import type { Draft } from '../../../../api/client.ts'
import { isJsonObject } from '../../../../api/json.ts'
import type { Pod } from '../../../../api/types/index.ts'

export type TaskKind = 'make' | 'remove'

export interface Task {
  readonly kind: TaskKind
  /** The name of the volume, and of its folder. */
  readonly volume: string
  readonly node: string
  /** Where the node has the folders of volumes. */
  readonly folder: string
}

export const taskNamespace = 'kube-system'

const volumeLabel = 'podway.dev/host-path-volume'
const kindLabel = 'podway.dev/host-path-task'

/** The only names of volumes that are ever worked on: what becomes part of a path is ours. */
export const isVolumeName = (name: string): boolean => /^pvc-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(name)

const commands: Readonly<Record<TaskKind, readonly string[]>> = {
  make: ['mkdir', '-p', '-m', '0777', '--'],
  remove: ['rm', '-r', '-f', '--one-file-system', '--'],
}

/** Everybody in a pod may write to a new volume, as to an empty folder; what is above it is closed to the node's users. */
export const taskPod = ({ kind, volume, node, folder }: Task): Draft<Pod> => {
  const volumes = [{ name: 'volumes', hostPath: { path: folder, type: 'DirectoryOrCreate' } }]
  return {
    metadata: {
      name: `${kind}-${volume}-${createHash('sha256').update(node).digest('hex').slice(0, 8)}`,
      namespace: taskNamespace,
      labels: { [volumeLabel]: volume, [kindLabel]: kind },
    },
    spec: {
      nodeName: node,
      runtimeClassName: 'process',
      restartPolicy: 'Never',
      activeDeadlineSeconds: 120,
      terminationGracePeriodSeconds: 5,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      priorityClassName: 'system-node-critical',
      tolerations: [{ operator: 'Exists' }],
      containers: [
        {
          ...{ name: kind, image: 'podway/node', command: [...commands[kind], `/volumes/${volume}`] },
          volumeMounts: [{ name: 'volumes', mountPath: '/volumes' }],
        },
      ],
      volumes,
    },
  }
}

/** The volume that a pod is about, when it is one of ours. */
export const volumeOfTask = ({ metadata }: Pod): string | undefined =>
  metadata.namespace === taskNamespace ? metadata.labels?.[volumeLabel] : undefined

/** What a pod of ours does; undefined for any other. */
export const taskOf = (pod: Pod): Task | undefined => {
  const kind = pod.metadata.labels?.[kindLabel]
  const volume = volumeOfTask(pod)
  const [first]: readonly Readonly<Record<string, unknown>>[] = (pod.spec.volumes ?? []).map((each) => ({ ...each }))
  const mounted = first?.['hostPath']
  const folder = isJsonObject(mounted) ? mounted['path'] : undefined
  if ((kind !== 'make' && kind !== 'remove') || volume === undefined || typeof folder !== 'string') return undefined
  return { kind, volume, node: pod.spec.nodeName ?? '', folder }
}
