/** The demo's pods behind Services of one's own, and what URLs answer on hosts of a lab. */
import type { LabHome } from './lab.ts'

/** A Service in front of the demo's pods. */
export const webService = (name: string, spec: object, annotations: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, annotations },
  spec: { selector: { app: 'web' }, ...spec },
})

/** The answer to a GET on a host of the lab: body, then status. */
export const curlIn =
  (run: LabHome['run']) =>
  (host: string, url: string): Promise<string> =>
    run('lab', 'exec', host, '--', 'curl', '-s', '-m', '3', '-w', '\n%{http_code}', url).catch((error: unknown) =>
      String(error),
    )

export const statusIn =
  (run: LabHome['run']) =>
  async (host: string, url: string): Promise<string> =>
    (await curlIn(run)(host, url)).slice(-3)
