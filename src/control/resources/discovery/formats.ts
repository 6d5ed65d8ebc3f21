/** The form of every text of this group's kinds. */
import {
  type FieldFormats,
  label,
  labels,
  labelValue,
  oneOf,
  port,
  protocol,
  qualifiedName,
  subdomain,
} from '../formats/formats.ts'
import { byKind, object } from '../formats/words.ts'

export const discoveryFormats: FieldFormats = {
  'discovery/v1.EndpointSlice': { ...object, addressType: oneOf('IPv4', 'IPv6', 'FQDN') },
  'discovery/v1.Endpoint': {
    addresses: byKind,
    deprecatedTopology: labels,
    hostname: label,
    nodeName: subdomain,
    zone: labelValue,
  },
  'discovery/v1.ForZone': { name: labelValue },
  'discovery/v1.ForNode': { name: subdomain },
  'discovery/v1.EndpointPort': { appProtocol: qualifiedName, name: label, port, protocol },
}
