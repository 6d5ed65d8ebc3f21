/** What tunes the inside of nginx. */
import { idle, type Rows, unserved } from './row.ts'

const streams = idle('bodies are passed on as they come, nothing is written to files')
const traces = idle('requests carry X-Request-ID, and are not traced further')
const monitors = idle('metrics are read from the metrics port')
const ciphers = idle('TLS 1.2 and 1.3 with the ciphers of Node serve every host')
const shared = unserved('not served: there is no store that all nodes count in; limit-rps counts on each node')

export const idleRows = {
  'client-body-buffer-size': streams,
  'proxy-buffer-size': streams,
  'proxy-buffers-number': streams,
  'proxy-busy-buffers-size': streams,
  'proxy-max-temp-file-size': streams,
  'http2-push-preload': idle('browsers have given up HTTP/2 push'),
  'enable-rewrite-log': idle('rewrites are not logged'),
  'use-port-in-redirects': idle('redirects name the port that the client named'),
  'ssl-ciphers': ciphers,
  'ssl-prefer-server-ciphers': ciphers,
  'enable-opentelemetry': traces,
  'opentelemetry-operation-name': traces,
  'opentelemetry-trust-incoming-span': traces,
  'enable-opentracing': traces,
  'opentracing-trust-incoming-span': traces,
  'enable-influxdb': monitors,
  'influxdb-measurement': monitors,
  'influxdb-port': monitors,
  'influxdb-host': monitors,
  'influxdb-server-name': monitors,
  'global-rate-limit': shared,
  'global-rate-limit-window': shared,
  'global-rate-limit-key': shared,
  'global-rate-limit-ignored-cidrs': shared,
} satisfies Rows
