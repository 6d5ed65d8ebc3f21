/** The account that pods have when they name none, and what to trust the API server by. */
import { configMaps, serviceAccounts } from '../../../api/resources.ts'
import { inEveryNamespace } from './in-every-namespace.ts'

export const createDefaultAccountController = inEveryNamespace('service-account-controller', () => ({
  resource: serviceAccounts,
  name: 'default',
  content: {},
}))

export const createRootCaPublisher = inEveryNamespace('root-ca-certificate-publisher', ({ settings }) => ({
  resource: configMaps,
  name: 'kube-root-ca.crt',
  content: { data: { 'ca.crt': settings.certificates.authority.cert } },
}))
