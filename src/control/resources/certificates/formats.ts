/** The form of every text of this group's kinds. */
import { elsewhere, type FieldFormats } from '../formats/formats.ts'
import { byKind, legacyCondition, object } from '../formats/words.ts'

/** Who asks is not for the asker to say. */
const bySubject = elsewhere('by admission, which writes what the server knows of the caller')

export const certificatesFormats: FieldFormats = {
  'certificates/v1.CertificateSigningRequest': object,
  'certificates/v1.CertificateSigningRequestSpec': {
    ...{ signerName: byKind, usages: byKind },
    ...{ username: bySubject, groups: bySubject, uid: bySubject, extra: bySubject },
  },
  'certificates/v1.CertificateSigningRequestCondition': legacyCondition,
}
