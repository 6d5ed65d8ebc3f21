/** `/metrics/resource` as the kubelet gives it: what metrics-server and autoscalers read. Pure. */
import type { Family, Labels, Series } from './exposition.ts'
import type { MeasuredContainerOfPod, MeasuredPod } from './measured-pods.ts'
import type { Sample } from './sampler.ts'

const seconds = (nanoseconds: number): number => nanoseconds / 1e9

export const resourceMetrics = (sample: Sample, pods: readonly MeasuredPod[]): readonly Family[] => {
  const { at, machine } = sample
  const podLabels = ({ sandbox }: MeasuredPod): Labels => ({ namespace: sandbox.namespace, pod: sandbox.name })
  const ofContainers = (value: (container: MeasuredContainerOfPod) => number): readonly Series[] =>
    pods.flatMap((pod) =>
      pod.containers.map((each) => ({
        labels: { container: each.name, ...podLabels(pod) },
        ...{ value: value(each), at },
      })),
    )
  const ofPods = (value: (pod: MeasuredPod) => number): readonly Series[] =>
    pods.map((pod) => ({ labels: podLabels(pod), value: value(pod), at }))
  const counter = (name: string, help: string, series: readonly Series[]): Family => ({
    ...{ name, help, type: 'counter', series },
  })
  const gauge = (name: string, help: string, series: readonly Series[]): Family => ({
    ...{ name, help, type: 'gauge', series },
  })
  return [
    counter(
      'container_cpu_usage_seconds_total',
      'CPU time that the container has used, in core-seconds',
      ofContainers(({ usage }) => seconds(usage.cpuNanoseconds)),
    ),
    gauge(
      'container_memory_working_set_bytes',
      'Working set of the container in bytes',
      ofContainers(({ usage }) => usage.memory.workingSetBytes),
    ),
    gauge(
      'container_start_time_seconds',
      'When the container started, in seconds since 1970',
      ofContainers(({ record }) => record.startedAt / 1000),
    ),
    counter('node_cpu_usage_seconds_total', 'CPU time that the node has used, in core-seconds', [
      { value: seconds(machine.cpuNanoseconds), at },
    ]),
    gauge('node_memory_working_set_bytes', 'Working set of the node in bytes', [
      { value: machine.memory.workingSetBytes, at },
    ]),
    counter(
      'pod_cpu_usage_seconds_total',
      'CPU time that the pod has used, in core-seconds',
      ofPods(({ usage }) => seconds(usage.cpuNanoseconds)),
    ),
    gauge(
      'pod_memory_working_set_bytes',
      'Working set of the pod in bytes',
      ofPods(({ usage }) => usage.memory.workingSetBytes),
    ),
    // Both names: the second is that of Kubernetes 1.29 and later.
    gauge('scrape_error', '1 if there was an error while reading, 0 otherwise', [{ value: 0 }]),
    gauge('resource_scrape_error', '1 if there was an error while reading, 0 otherwise', [{ value: 0 }]),
  ]
}
