/** How API servers behind this one know that it is this one: the front proxy's name, and where they read of it. */
import type { Client } from '../../api/client.ts'
import { isNotFound } from '../../api/errors.ts'
import { configMaps } from '../../api/resources.ts'

/** Whom its certificate is for. */
export const frontProxyName = 'front-proxy-client'

const place = { name: 'extension-apiserver-authentication', namespace: 'kube-system' }

/** Tells them whom to believe. */
export const publishFrontProxy = async (client: Client, ca: string): Promise<void> => {
  const data = {
    'client-ca-file': ca,
    'requestheader-client-ca-file': ca,
    'requestheader-allowed-names': JSON.stringify([frontProxyName]),
    'requestheader-username-headers': '["X-Remote-User"]',
    'requestheader-uid-headers': '["X-Remote-Uid"]',
    'requestheader-group-headers': '["X-Remote-Group"]',
    'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
  }
  try {
    await client.patch(configMaps, { metadata: place }, { data })
  } catch (error) {
    if (!isNotFound(error)) throw error
    await client.create(configMaps, { metadata: place, data })
  }
}
